"""What can be wrong with a program as the loader would see it."""

from dataclasses import dataclass
from enum import Enum


class FindingKind(Enum):
    """Kinds of findings; the value is the stable name for reports and policies."""

    #: The file of PT_INTERP does not exist, or is no loader for this machine.
    MISSING_INTERPRETER = 'missing-interpreter'
    #: No search path leads to a needed library.
    MISSING_LIBRARY = 'missing-library'
    #: A needed library was found, and the loader would stop at it (not ELF, malformed ...).
    UNUSABLE_LIBRARY = 'unusable-library'
    #: A library (or the interpreter) lies outside the prefixes that were allowed.
    OUTSIDE_PREFIX = 'outside-prefix'
    #: A needed library does not define a version that the object requires.
    MISSING_VERSION = 'missing-version'
    #: No object of the program provides an imported symbol.
    MISSING_SYMBOL = 'missing-symbol'
    #: A search path depends on the current directory: whoever writes there chooses the library.
    RELATIVE_SEARCH_PATH = 'relative-search-path'


@dataclass(frozen=True, slots=True)
class Finding:
    """One defect: in which object, about what, and what the loader would say or do."""

    kind: FindingKind
    object: str
    subject: str
    message: str
