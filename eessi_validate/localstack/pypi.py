"""Wheels through the host's pip, for the Python and the platform of the stack.

pip reads its own configuration, so the index is the one that the host uses; nothing is run from
what it downloads. What pip chose is kept with its sha256, and used again without the index.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from eessi_validate.errors import EessiValidateError
from eessi_validate.localstack import publish, wheels
from eessi_validate.localstack.catalogue import Architecture, Release, Software
from eessi_validate.localstack.errors import (
    DiskFull,
    HostToolMissing,
    IndexUnreachable,
    LocalStackError,
    WheelMissing,
)
from eessi_validate.localstack.wheels import Wheel

#: Makes a wheel of an sdist, in a directory.
Compiler = Callable[[Path, Path], Path]

_RECORD = 'chosen.json'
#: Old names of platforms, and the glibc they stand for (PEP 600).
_LEGACY = {'manylinux1': 5, 'manylinux2010': 12, 'manylinux2014': 17}


@dataclass(frozen=True)
class Index:
    """Where wheels are kept, and the Python and glibc (minor versions) they must fit."""

    directory: Path
    python: str
    glibc: int
    arch: Architecture

    def fetch(
        self,
        software: Software,
        provided: Mapping[str, str],
        say: Callable[[str], None] = lambda _: None,
        compile_: Compiler | None = None,
    ) -> list[Wheel]:
        """The wheels of one installation; `provided` are distributions of its dependencies.

        `compile_` makes a wheel of an sdist in a directory, where the table asks for that.
        Raises IndexUnreachable, WheelMissing or another LocalStackError.
        """
        assert software.pypi is not None
        wanted = software.pypi.requirements
        request: dict[str, Any] = {
            'requirements': list(wanted),
            'python': self.python,
            'glibc': self.glibc,
            'machine': self.arch.name,
            'provided': dict(sorted(provided.items())),
        }
        if software.pypi.compiled:
            request['compiled'] = asdict(software.pypi.compiled)
        key = hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()[:12]
        into = self.directory / f'{software.name}-{key}'
        into.mkdir(parents=True, exist_ok=True)
        with publish.lock(into / 'lock', lambda: say('waiting for another download of wheels')):
            found = self._kept(into)
            if found is None:
                self._download(software, provided, into, compile_)
                found = {w.name: w for w in map(wheels.read_wheel, sorted(into.glob('*.whl')))}
                chosen = self._needed(software, found, provided)
                request['chosen'] = {w.path.name: wheels.sha256(w.path) for w in chosen}
                (into / _RECORD).write_text(json.dumps(request, indent=1), encoding='utf-8')
        return self._needed(software, found, provided)

    def _needed(
        self, software: Software, found: Mapping[str, Wheel], provided: Mapping[str, str]
    ) -> list[Wheel]:
        assert software.pypi is not None
        markers = wheels.environment(self.python, self.arch.name)
        try:
            return wheels.needed(software.pypi.requirements, found, provided, markers)
        except LocalStackError as wrong:
            raise WheelMissing(f'{software.name} from PyPI: {wrong}') from wrong

    def _kept(self, into: Path) -> dict[str, Wheel] | None:
        """What an earlier download left, if every file still has its digest."""
        try:
            chosen = json.loads((into / _RECORD).read_text(encoding='utf-8'))['chosen']
            if any(wheels.sha256(into / name) != digest for name, digest in chosen.items()):
                raise ValueError('a wheel has changed')
            return {w.name: w for w in (wheels.read_wheel(into / name) for name in chosen)}
        except (OSError, ValueError, KeyError, LocalStackError):
            for stale in (*into.glob('*.whl'), into / _RECORD):
                stale.unlink(missing_ok=True)
            return None

    def _download(
        self,
        software: Software,
        provided: Mapping[str, str],
        into: Path,
        compile_: Compiler | None,
    ) -> None:
        assert software.pypi is not None
        platforms = self.platforms()
        if software.pypi.compiled and compile_:
            compile_(self._sdist(software, software.pypi.compiled.sdist, into), into)
            platforms.append(f'linux_{self.arch.name}')
        constraints = into / 'constraints.txt'
        lines = ''.join(f'{name}=={version}\n' for name, version in sorted(provided.items()))
        constraints.write_text(lines, encoding='ascii')
        for name in software.pypi.sdists:
            wanted = _requirement(software, name)
            _pip('wheel', '--no-deps', '--wheel-dir', str(into), wanted)
            impure = [p.name for p in into.glob('*.whl') if not p.name.endswith('-none-any.whl')]
            if impure:
                raise LocalStackError(f'{impure[0]} was built for this host, not for any machine')
        _pip(
            'download', '--dest', str(into), '--find-links', str(into),
            '--constraint', str(constraints), '--only-binary', ':all:',
            '--implementation', 'cp', '--python-version', self.python,
            *(word for tag in platforms for word in ('--platform', tag)),
            *software.pypi.requirements,
        )  # fmt: skip

    def _sdist(self, software: Software, name: str, into: Path) -> Path:
        """Download the source; pip reads its metadata with the host's Python."""
        _pip(
            'download', '--no-deps', '--no-binary', name, '--dest', str(into / 'source'),
            _requirement(software, name),
        )  # fmt: skip
        (found,) = (into / 'source').glob('*.tar.gz')
        return found

    def platforms(self) -> list[str]:
        """Platform tags that fit, newest glibc first (PEP 600)."""
        tags = [f'manylinux_2_{m}_{self.arch.name}' for m in range(self.glibc, 4, -1)]
        return tags + [f'{n}_{self.arch.name}' for n, m in _LEGACY.items() if m <= self.glibc]


def _requirement(software: Software, name: str) -> str:
    assert software.pypi is not None
    (wanted,) = (r for r in software.pypi.requirements if re.match(rf'{name}\b', r))
    return wanted


def open_index(cache: Path, release: Release, arch: Architecture) -> Index:
    """The wheels of one release below the cache directory of builds."""
    glibc = int(release.words['glibc'].split('.')[1])
    return Index(cache / 'wheels', release.words['python'], glibc, arch)


def _pip(*arguments: str) -> None:
    command = [sys.executable, '-m', 'pip', *arguments]
    command[4:4] = ['--quiet', '--no-input', '--disable-pip-version-check', '--retries', '2']
    # Up to 23.0, that of Debian 12, pip builds sources by a package wheel that need not be there.
    # By the environment, since a pip that knows no other way need not know the option.
    environment = {**os.environ, 'PIP_USE_PEP517': '1'}
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    if done.returncode:
        raise translate(done.stderr)


def translate(said: str) -> EessiValidateError:
    """One error with one line from what pip complained about."""
    if 'No module named pip' in said:
        return HostToolMissing('this Python has no pip: `python -m ensurepip` installs it')
    if 'No space left on device' in said:
        return DiskFull('no space left for the wheels that pip downloads')
    errors = re.findall(r'^\s*ERROR: (.+)$', said, re.MULTILINE) or said.strip().splitlines()
    first = re.sub(r'\s+', ' ', errors[0])[:300] if errors else 'no message'
    broken = re.search(r'connection broken by .(\w+)|(ConnectTimeout|NewConnectionError)', said)
    if broken or 'Max retries exceeded' in said or 'HTTPError' in said:
        return IndexUnreachable(f'the package index of pip cannot be read: {first}')
    found = re.search(r'(?:requirement|distribution found for) (\S+)', first)
    if found:
        return WheelMissing(f'the package index of pip has no fitting wheel: {first}')
    causes = re.findall(r'^\s*error: (?!subprocess-exited)(.+)$', said, re.MULTILINE)
    return LocalStackError(f'pip failed: {first}' + (f' ({causes[-1][:200]})' if causes else ''))


def distributions(records: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Names and versions of the distributions that provenance documents list."""
    return {w['name']: w['version'] for record in records for w in record.get('wheels', ())}
