"""The result of a simulated load: which objects, in which order, found how."""

from dataclasses import dataclass, field
from enum import Enum

from .files import SeenFile
from .findings import Finding
from .reader import ElfObject


class FoundBy(Enum):
    """The rule of ld.so(8) through which a needed name was resolved."""

    LOADED = 'already loaded'
    PATH = 'path with a slash'
    RPATH = 'DT_RPATH'
    LIBRARY_PATH = 'LD_LIBRARY_PATH'
    RUNPATH = 'DT_RUNPATH'
    CACHE = 'ld.so.cache'
    DEFAULT = 'default directory'
    NOTHING = 'not found'


@dataclass(frozen=True, slots=True)
class Resolution:
    """One DT_NEEDED entry resolved.

    ``path`` is the name under which the library is opened (symbolic links kept), None when
    missing. ``directory`` is the search path element that led there, ``owner`` the object whose
    DT_RPATH or DT_RUNPATH holds it (for an inherited DT_RPATH not the object that needs it).
    """

    name: str
    path: str | None
    found_by: FoundBy
    directory: str | None = None
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class LoadedObject:
    """One object of the program; ``loader`` is the path of the object that first needed it."""

    path: str
    file: SeenFile = field(repr=False)
    elf: ElfObject = field(repr=False)
    loader: str | None
    needed: tuple[Resolution, ...]


@dataclass(frozen=True, slots=True)
class Program:
    """A root object with everything that the loader maps for it.

    ``objects`` are in load order, which is the order of symbol lookup: the root first, then
    breadth first through DT_NEEDED; the loader itself only where an object needs it.
    """

    root: str
    interpreter: str | None
    objects: tuple[LoadedObject, ...]
    findings: tuple[Finding, ...]

    @property
    def is_sound(self) -> bool:
        """True when there is no finding of any kind."""
        return not self.findings

    @property
    def missing(self) -> tuple[str, ...]:
        """Needed names that nothing resolves, each once, in the order of the search."""
        return tuple(
            dict.fromkeys(
                entry.name for obj in self.objects for entry in obj.needed if entry.path is None
            )
        )

    def object_for(self, name: str) -> LoadedObject | None:
        """Return the object that a needed name of this program leads to."""
        for obj in self.objects:
            for entry in obj.needed:
                if entry.name == name and entry.path is not None:
                    return next(item for item in self.objects if item.path == entry.path)
        return None
