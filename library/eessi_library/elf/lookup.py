"""Find a library file in search directories, as open_path and open_verify of glibc do."""

from typing import Final, NamedTuple

from . import constants as elf
from .errors import LoaderLimit
from .files import FileView, SeenFile

Abi = tuple[int, int, int]

#: Most directories looked at for one program; about a second of work, 20 times what is sound.
MOST_WORK: Final = 20_000_000


class Hit(NamedTuple):
    """A file that the loader settles on; with a ``problem`` it stops there with an error."""

    path: str
    file: SeenFile
    directory: str
    problem: str | None


class Lookup:
    """Memoised search of names in directories for one set of hwcaps subdirectories."""

    def __init__(self, files: FileView, subdirectories: tuple[str, ...]) -> None:
        self._files = files
        #: Directories looked at since the caller last set it to 0.
        self.work = 0
        self._subdirectories = (*subdirectories, '')
        self._existing: dict[tuple[str, ...], list[tuple[str, str, frozenset[str]]]] = {}
        self._hits: dict[tuple[tuple[str, ...], str, Abi], Hit | None] = {}

    def find(self, directories: tuple[str, ...], name: str, abi: Abi) -> Hit | None:
        """Return the first usable (or fatal) file of a name in directories, None if there is none.

        A file of another class or machine is passed by, as are dangling links.
        """
        key = directories, name, abi
        try:
            return self._hits[key]
        except KeyError:
            pass
        hit = None
        places = self._places(directories)
        self.work += len(places)
        if self.work > MOST_WORK:
            raise LoaderLimit(f'{name}: more than {MOST_WORK} directories looked at')
        for directory, place, names in places:
            if name in names:
                hit = self.open(place + name, abi, directory)
                if hit is not None:
                    break
        self._hits[key] = hit
        return hit

    def open(self, path: str, abi: Abi, directory: str) -> Hit | None:
        """Return the file at a path unless it is absent or of another class or machine."""
        file = self._files.file(path)
        if file is None:
            return None
        if file.elf is None:
            return Hit(path, file, directory, file.problem)
        if file.elf.elf_class != abi[0]:
            return None
        problem = None
        if file.elf.data_encoding != abi[1]:
            problem = 'ELF file data encoding not that of the program'
        elif file.elf.machine != abi[2]:
            return None
        elif file.elf.type not in (elf.ET_DYN, elf.ET_EXEC):
            problem = 'only ET_DYN and ET_EXEC can be loaded'
        elif not file.elf.is_dynamic:
            problem = 'object file has no dynamic section'
        return Hit(path, file, directory, problem)

    def _places(self, directories: tuple[str, ...]) -> list[tuple[str, str, frozenset[str]]]:
        found = self._existing.get(directories)
        if found is None:
            found = []
            known = set()
            for directory in directories:
                for subdirectory in self._subdirectories:
                    seen = self._files.directory(directory + subdirectory)
                    # Another spelling of a directory cannot hold what the first one lacks.
                    if seen is not None and seen.names and seen.identity not in known:
                        known.add(seen.identity)
                        found.append((directory, directory + subdirectory, seen.names))
            self._existing[directories] = found
        return found
