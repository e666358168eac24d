"""Packages through the host's apt, with a private state per (suite, architecture).

Nothing of the host's package state is read or changed; no privilege is needed. apt checks the
archive's signature and hashes; how its state is made private: apt.conf(5), ``Dir::``.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from eessi_validate.errors import EessiValidateError
from eessi_validate.localstack import host
from eessi_validate.localstack.catalogue import Architecture, Release
from eessi_validate.localstack.errors import (
    ChecksumError,
    DiskFull,
    LocalStackError,
    MirrorError,
    SuiteMissing,
)
from eessi_validate.localstack.packages import Package, parse_packages
from eessi_validate.localstack.sources import Mirrors

_CONF = """\
Dir::State "{d}"; Dir::State::status "{d}/status"; Dir::State::lists "{d}/lists";
Dir::Cache "{d}/cache"; Dir::Etc "{d}/etc"; Dir::Etc::sourcelist "{d}/etc/sources.list";
Dir::Etc::sourceparts "{d}/etc/sources.list.d"; Dir::Etc::parts "{d}/etc/apt.conf.d";
Dir::Etc::trustedparts "{d}/etc/trusted.gpg.d"; Dir::Etc::preferencesparts "{d}/etc/preferences.d";
APT::Architecture "{arch}"; APT::Architectures {{ "{arch}"; }};
APT::Install-Recommends "false"; APT::Update::Error-Mode "any"; APT::Color "0";
Acquire::Languages "none"; Acquire::Retries "2"; Acquire::http::Timeout "20";
Acquire::https::Timeout "20"; Debug::NoLocking "true"; {user}
{inherited}
"""
_DIRECTORIES = (
    'lists/partial',
    'cache/archives/partial',
    'empty/partial',
    'etc/preferences.d',
    'etc/apt.conf.d',
    'etc/sources.list.d',
    'etc/trusted.gpg.d',
)


@dataclass(frozen=True)
class Apt:
    """A private apt: its directory holds state, lists and the downloaded packages."""

    directory: Path
    release: Release
    mirrors: Mirrors

    @property
    def archives(self) -> Path:
        return self.directory / 'cache' / 'archives'

    def run(self, *command: str, status: Callable[[float], None] | None = None) -> str:
        """Run an apt program on the private state; returns what it printed.

        `status` is called with the percentage downloaded. Errors become one line each.
        """
        env = dict(os.environ, APT_CONFIG=str(self.directory / 'apt.conf'), LC_ALL='C')
        extra = ['-o', 'APT::Status-Fd=2'] if status else []
        with subprocess.Popen(
            [command[0], *extra, *command[1:]],
            env=env,
            cwd=self.archives,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if not status else subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            complaints: list[str] = []
            if status and process.stderr:
                for line in process.stderr:
                    match = re.match(r'dlstatus:\d+:([\d.]+):', line)
                    if match:
                        status(float(match.group(1)))
                    else:
                        complaints.append(line)
                out = ''
            else:
                out, err = process.communicate()
                complaints = err.splitlines()
        if process.returncode:
            raise translate(complaints, self.release.suite, self.directory)
        return out

    def update(self) -> None:
        """Fetch the indices of the archive (a few seconds, some 50 MB)."""
        self.run('apt-get', 'update', '-qq')

    def resolve(self, seeds: Iterable[str]) -> dict[str, Package]:
        """The whole closure of `seeds` on an empty system: package records by name."""
        listing = self.run(
            'apt-get', '-o', f'Dir::Cache::archives={self.directory}/empty',
            'install', '--print-uris', '-y', '-qq', *seeds,
        )  # fmt: skip
        wanted = []
        for line in listing.splitlines():
            if line.startswith("'"):
                name, version, _ = line.split()[1].split('_')
                wanted.append(f'{name}={version.replace("%3a", ":")}')
        return parse_packages(self.run('apt-cache', 'show', *wanted))

    def missing(self, packages: Iterable[Package]) -> list[Package]:
        """Packages whose file is not in the cache with the right size."""

        def size(package: Package) -> int:
            try:
                return (self.archives / package.file).stat().st_size
            except OSError:
                return -1

        return [p for p in packages if size(p) != p.size]

    def download(
        self, packages: Sequence[Package], advance: Callable[[float], None] = lambda _: None
    ) -> None:
        """Fetch what is missing into the cache; what is there already is kept.

        `advance` is called with the number of bytes that have come so far.
        """
        wanted = self.missing(packages)
        total = sum(p.size for p in wanted)
        free = shutil.disk_usage(self.directory).free
        if total > free:
            raise DiskFull(
                f'{self.directory} has {free >> 20} MB free, the packages need {total >> 20} MB'
            )
        if wanted:
            names = [f'{p.name}={p.version}' for p in wanted]
            self.run(
                'apt-get', 'download', '-qq', *names,
                status=lambda percent: advance(total * percent / 100),
            )  # fmt: skip
        still = self.missing(packages)
        if still:
            raise MirrorError(f'the archive did not deliver {still[0].file}; try again')


def open_apt(directory: Path, release: Release, arch: Architecture, mirrors: Mirrors) -> Apt:
    """Create or reopen the private apt below `directory`."""
    for part in _DIRECTORIES:
        (directory / part).mkdir(parents=True, exist_ok=True)
    (directory / 'status').touch()
    signed = f'[signed-by={host.keyring()}]'
    lines = [f'deb {signed} {mirrors.main} {release.suite} main']
    if release.security:
        lines.append(f'deb {signed} {mirrors.main} {release.suite}-updates main')
        lines.append(f'deb {signed} {mirrors.security} {release.suite}-security main')
    (directory / 'etc' / 'sources.list').write_text('\n'.join(lines) + '\n', encoding='utf-8')
    user = 'APT::Sandbox::User "root";' if os.geteuid() == 0 else ''
    text = _CONF.format(d=directory, arch=arch.debian, user=user, inherited=_inherited())
    (directory / 'apt.conf').write_text(text, encoding='utf-8')
    return Apt(directory, release, mirrors)


def _inherited() -> str:
    """The host's proxy and certificate settings, which the private apt needs as well."""
    dump = subprocess.run(['apt-config', 'dump'], capture_output=True, text=True, check=False)
    wanted = re.compile(r'^Acquire::https?::(?!Timeout)\S* ".+";$')
    return '\n'.join(line for line in dump.stdout.splitlines() if wanted.match(line))


def check_archive(path: Path, package: Package) -> None:
    """Compare a cached package with its sha256; a bad file is removed, ChecksumError raised."""
    with open(path, 'rb') as stream:
        digest = hashlib.sha256()
        while block := stream.read(1 << 20):
            digest.update(block)
    if package.sha256 and digest.hexdigest() != package.sha256:
        path.unlink()
        raise ChecksumError(
            f'{package.file} has sha256 {digest.hexdigest()[:12]}..., the signed index says '
            f'{package.sha256[:12]}...; the file was removed, run the build again to fetch it anew'
        )


def translate(complaints: Sequence[str], suite: str, directory: Path) -> EessiValidateError:
    """One error with one line from what apt complained about."""
    text = ' '.join(line.strip() for line in complaints if re.match(r'^[EWN]: ', line))
    text = text or ' '.join(line.strip() for line in complaints)
    short = re.sub(r'\s+', ' ', text).replace('E: ', '')[:300]
    if 'No space left on device' in text or 'enough free space' in text:
        return DiskFull(f'no space left below {directory}')
    if 'Hash Sum mismatch' in text or 'unexpected size' in text:
        return ChecksumError(f'the archive delivers files that its index does not know: {short}')
    if 'not signed' in text or 'NO_PUBKEY' in text or 'signatures' in text:
        return ChecksumError(f'the signature of the archive cannot be checked: {short}')
    if 'does not have a Release file' in text or re.search(r'\b404\b', text):
        return SuiteMissing(f'the archive does not carry what {suite} needs: {short}')
    if 'Failed to fetch' in text or 'Could not' in text or 'Temporary failure' in text:
        return MirrorError(f'the archive cannot be read: {short}')
    if 'Unable to locate package' in text or 'has no installation candidate' in text:
        return LocalStackError(f'{suite} does not carry a package: {short}')
    return LocalStackError(f'apt failed: {short or "no message"}')
