"""What the file name of a tarball stands for.

Names join CPU targets, accelerators and projects with hyphens, so they are never split: they are
matched against the table of CPU targets (sources: EESSI software-layer-scripts, ``bot/build.sh``;
filesystem-layer, ``ingest-tarball.sh``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from eessi_validate.stack.targets import cpu_targets

_NAME = re.compile(
    r'eessi-(?P<release>20\d\d\.(?:0[1-9]|1[0-2])|20\d{6})'
    r'-(?P<kind>compat|init|scripts|software)'
    r'(?:-(?P<os>linux|macos)-(?P<rest>[0-9A-Za-z_.-]+?))?'
    r'-(?P<timestamp>\d{10,11})\.tar\.(?P<extension>gz|zst)',
    re.ASCII,
)
_ACCELS = re.compile(r'(?:-accel)?-(?P<vendor>nvidia|amd|intel)-(?P<type>[a-z]+\d[0-9a-z]*)')
#: From 2021.12 on, paths in a tarball begin with the release (EESSI software-layer PR 161).
_FIRST_WITH_RELEASE = '2021.12'


@dataclass(frozen=True)
class TarballName:
    """The parts of a well-formed file name."""

    release: str
    kind: str
    os: str
    #: Architecture; '' for init and scripts.
    family: str
    #: CPU target of a software tarball; '' if the name has only its architecture (2021.06).
    cpu_target: str
    accel: tuple[str, ...]
    #: What is left between CPU target and timestamp.
    project: str
    timestamp: int
    compression: str

    @property
    def may_lack_release(self) -> bool:
        """Whether paths in the tarball may begin after the release."""
        return self.release < _FIRST_WITH_RELEASE


class NameFault(Exception):
    """A file name that is none of EESSI's.

    :arg finding: id of the finding.
    """

    def __init__(self, finding: str, sentence: str) -> None:
        super().__init__(sentence)
        self.finding = finding


def parse_tarball_name(name: str) -> TarballName:
    """Return what a file name stands for.

    :raises NameFault: if it is malformed or has an unknown CPU target.
    """
    found = _NAME.fullmatch(name)
    if not found:
        raise NameFault(
            'name-malformed',
            'the file name is not eessi-RELEASE-TYPE[-OS-TARGET]-TIMESTAMP.tar.zst or .tar.gz',
        )
    kind, rest = found['kind'], found['rest'] or ''
    if bool(rest) != (kind in ('software', 'compat')):
        raise NameFault(
            'name-malformed',
            f'the file name has {"no" if not rest else "a"} CPU target, '
            f'but {"has" if not rest else "is"} {"type " if not rest else ""}{kind}',
        )
    family, cpu_target, project = '', '', ''
    accel: tuple[str, ...] = ()
    if kind == 'compat':
        family = _family(rest)
    elif kind == 'software':
        family, cpu_target, accel, project = _software(rest, found['release'])
    return TarballName(
        release=found['release'],
        kind=kind,
        os=found['os'] or '',
        family=family,
        cpu_target=cpu_target,
        accel=accel,
        project=project,
        timestamp=int(found['timestamp']),
        compression={'gz': 'gzip', 'zst': 'zstd'}[found['extension']],
    )


def _family(rest: str) -> str:
    if rest not in {target.family for target in cpu_targets()}:
        raise NameFault('name-target-unknown', f'the file name has no known architecture: {rest}')
    return rest


def _software(rest: str, release: str) -> tuple[str, str, tuple[str, ...], str]:
    known = {
        path.replace('/', '-'): (target.family, path)
        for target in cpu_targets()
        for path in (target.name, *target.aliases)
    }
    for dashed in sorted(known, key=len, reverse=True):
        if rest == dashed or rest.startswith(dashed + '-'):
            family, cpu_target = known[dashed]
            break
    else:
        if release < _FIRST_WITH_RELEASE and rest in {t.family for t in cpu_targets()}:
            return rest, '', (), ''
        raise NameFault('name-target-unknown', f'the file name has no known CPU target: {rest}')
    left = rest[len(dashed) :]
    accel: list[str] = []
    while (found := _ACCELS.match(left)) and (accel or left.startswith('-accel-')):
        accel.append(f'accel/{found["vendor"]}/{found["type"]}')
        left = left[found.end() :]
    return family, cpu_target, tuple(accel), left.removeprefix('-')
