"""ELF reader and the dynamic loader's rules: pure, standard library only, executes nothing.

elf = read_elf(path)                      # None when not ELF, MalformedElf when broken
loader = Loader(LoaderRules(default_directories=('/lib/', '/usr/lib/')), prefixes=[prefix])
program = loader.load(path)
for finding in program.findings: ...
"""

from .archive import ArchiveMember, MalformedArchive, archive_members, is_archive
from .defaults import LoaderDefaults, UnknownLoader, read_defaults
from .errors import ElfError, LoaderLimit, MalformedElf
from .files import FileView, SeenFile
from .findings import Finding, FindingKind
from .ldcache import LoaderCache, MalformedCache, parse_cache, read_cache
from .loader import Loader, LoaderRules
from .object_file import CodeRange, FunctionNames, ObjectFile
from .program import FoundBy, LoadedObject, Program, Resolution
from .reader import ElfObject, parse_elf, read_elf
from .search import Tokens, expand, hwcaps_subdirectories, split_search_path
from .symbols import DynamicSymbols, Symbol, parse_symbols, read_symbols
from .versions import VersionDefinition, VersionNeed

__all__ = [
    'ArchiveMember',
    'CodeRange',
    'DynamicSymbols',
    'ElfError',
    'ElfObject',
    'FileView',
    'Finding',
    'FindingKind',
    'FoundBy',
    'FunctionNames',
    'LoadedObject',
    'Loader',
    'LoaderCache',
    'LoaderDefaults',
    'LoaderLimit',
    'LoaderRules',
    'MalformedArchive',
    'MalformedCache',
    'MalformedElf',
    'ObjectFile',
    'Program',
    'Resolution',
    'SeenFile',
    'Symbol',
    'Tokens',
    'UnknownLoader',
    'VersionDefinition',
    'VersionNeed',
    'archive_members',
    'expand',
    'hwcaps_subdirectories',
    'is_archive',
    'parse_cache',
    'parse_elf',
    'parse_symbols',
    'read_cache',
    'read_defaults',
    'read_elf',
    'read_symbols',
    'split_search_path',
]
