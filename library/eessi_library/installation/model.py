"""What the checks of an installation are asked, and what they answer."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

#: Members named in a finding; the count says how many there are.
MOST_MEMBERS: Final = 5

#: Findings of one check in one report; the last one says how many were left out.
MOST_FINDINGS: Final = 25

#: Groups of checks, in the order in which they are worth most. The first five read files only
#: (evidence grade static); the others run the installation's software.
STATIC_GROUPS: Final = ('files', 'text', 'linkage', 'isa', 'metadata')
DYNAMIC_GROUPS: Final = ('module', 'start-up', 'bundle', 'build')
ALL_GROUPS: Final = (*STATIC_GROUPS, *DYNAMIC_GROUPS)

#: Slow, and only where an emulator is: done when named.
EMULATION: Final = 'emulation'


class Severity(str, Enum):
    """How much a finding matters: an ERROR rejects, a WARNING is for a person, a NOTE explains."""

    ERROR = 'error'
    WARNING = 'warning'
    NOTE = 'note'


@dataclass(frozen=True, slots=True)
class Release:
    """Where the release lies that the installations belong to, for one CPU target.

    ``path`` is ``<root>[/versions]/<release>`` under the name that its files use (the logical
    one). ``places`` maps logical prefixes to directories of this machine, upper layer first, for
    a stack that is inspected outside its final prefix or as an overlay.
    """

    path: str
    cpu_target: str
    places: tuple[tuple[str, tuple[str, ...]], ...] = ()
    #: Path of the target below ``software/linux`` where it is one of its aliases, e.g.
    #: ``aarch64/graviton2`` for the target ``aarch64/neoverse_n1``.
    directory: str = ''

    @property
    def family(self) -> str:
        """CPU family: ``x86_64``, ``aarch64``, ``ppc64le``, ``riscv64``."""
        return self.cpu_target.split('/')[0]

    @property
    def root(self) -> str:
        """Root of the stack; the 2021.06 pilot has no directory ``versions``."""
        above = os.path.dirname(self.path)
        return os.path.dirname(above) if os.path.basename(above) == 'versions' else above

    @property
    def repository(self) -> str:
        """Name of the stack, e.g. ``software.eessi.io``."""
        return os.path.basename(self.root)

    @property
    def compat(self) -> str:
        """Prefix of the compat layer."""
        return f'{self.path}/compat/linux/{self.family}'

    @property
    def software(self) -> str:
        """Software layer of the CPU target, which holds ``software`` and ``modules``."""
        return f'{self.path}/software/linux/{self.subdirectory}'

    @property
    def subdirectory(self) -> str:
        """What EESSI_SOFTWARE_SUBDIR holds: the target's directory below ``software/linux``."""
        return self.directory or self.cpu_target

    @property
    def host_injections(self) -> str:
        """Where a site puts its own MPI and GPU driver libraries."""
        return f'{self.root}/host_injections'

    @property
    def init(self) -> str:
        """The script that users source."""
        return f'{self.path}/init/bash'

    def located(self, path: str) -> str:
        """Return where a logical path lies on this machine, the first place that has it."""
        for prefix, tops in sorted(self.places, key=lambda item: -len(item[0])):
            if path == prefix or path.startswith(f'{prefix}/'):
                found = [top + path[len(prefix) :] for top in tops]
                return next((p for p in found if os.path.lexists(p)), found[0])
        return path


@dataclass(frozen=True, slots=True)
class InstallationRequest:
    """One installation to check: ``name`` is that of its module, ``path`` its logical path."""

    release: Release
    name: str
    path: str
    module_file: str | None = None
    groups: tuple[str, ...] = ALL_GROUPS

    @property
    def real_path(self) -> str:
        """Where it lies on this machine."""
        return self.release.located(self.path)


@dataclass(frozen=True, slots=True)
class Observation:
    """One defect of one member, before it is grouped with its like."""

    check: str
    severity: Severity
    member: str
    subject: str
    reason: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A defect of an installation: what, where first, how often, and why in one sentence."""

    check: str
    severity: Severity
    installation: str
    member: str
    reason: str
    count: int = 1
    members: tuple[str, ...] = ()
    #: What it is about: a path, a SONAME, a feature. Rules match it.
    subject: str = ''

    def sentence(self) -> str:
        """Return the finding as one line for a person."""
        more = f' (and {self.count - 1} more)' if self.count > 1 else ''
        return f'{self.installation}: {self.check}: {self.member}{more}: {self.reason}'


@dataclass(frozen=True, slots=True)
class InstallationReport:
    """Everything found in one installation.

    ``digest`` is of what was looked at: names, sizes, times, modes and inodes of all members.
    ``allowed`` counts observations that a rule explains, by rule. ``not_run`` says which groups
    were asked for and could not be done here, and why: never the same as sound.
    """

    request: InstallationRequest
    findings: tuple[Finding, ...]
    digest: str
    files: int
    elf_objects: int
    cached: bool
    seconds: float
    allowed: dict[str, int] = field(default_factory=dict)
    not_run: tuple[tuple[str, str], ...] = ()

    @property
    def errors(self) -> tuple[Finding, ...]:
        """Findings that reject."""
        return tuple(f for f in self.findings if f.severity is Severity.ERROR)

    @property
    def is_sound(self) -> bool:
        """True when nothing rejects and everything that was asked for was done."""
        return not self.errors and not self.not_run


def group(installation: str, observations: Iterable[Observation]) -> Iterator[Finding]:
    """Fold observations that say the same of several members; sorted, bounded per check."""
    found: dict[tuple[str, str, str], list[Observation]] = {}
    for each in sorted(observations, key=lambda o: (o.check, o.severity, o.subject, o.member)):
        found.setdefault((each.check, each.severity, each.subject), []).append(each)
    shown: dict[tuple[str, str], int] = {}
    left_out: dict[tuple[str, str], list[Observation]] = {}
    for (check, severity, _), same in found.items():
        key = check, severity
        shown[key] = shown.get(key, 0) + 1
        if shown[key] > MOST_FINDINGS:
            left_out.setdefault(key, []).extend(same)
            continue
        yield _fold(installation, same, same[0].reason)
    for same in left_out.values():
        yield _fold(installation, same, f'{len(same)} more of this check; first: {same[0].reason}')


def _fold(installation: str, same: list[Observation], reason: str) -> Finding:
    members = list(dict.fromkeys(o.member for o in same))
    first = same[0]
    return Finding(
        first.check,
        first.severity,
        installation,
        first.member,
        reason,
        len(members),
        tuple(members[:MOST_MEMBERS]),
        first.subject,
    )
