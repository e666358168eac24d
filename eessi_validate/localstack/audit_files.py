"""Scripts, permissions, links, and the files that the compat layer's dpkg database vouches for."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable
from pathlib import Path

from eessi_validate.localstack.finding import Finding
from eessi_validate.localstack.relocate import interpreter_of


def walk(tops: Iterable[Path]) -> list[Path]:
    """Every path below the trees, links included, directories too."""
    return [
        Path(folder, name)
        for top in tops
        for folder, names, files in os.walk(top)
        for name in [*names, *files]
    ]


def audit_permissions(paths: Iterable[Path]) -> list[Finding]:
    """No setuid, setgid or world-writable mode."""
    found = []
    for path in paths:
        mode = path.lstat().st_mode
        if not stat.S_ISLNK(mode) and mode & (stat.S_ISUID | stat.S_ISGID | stat.S_IWOTH):
            found.append(Finding('permissions', str(path), f'has mode {stat.S_IMODE(mode):04o}'))
    return found


def audit_links(paths: Iterable[Path], root: Path, allowed: Iterable[Path]) -> list[Finding]:
    """Every link leads to something inside of the stack; `allowed` ones may lead to the host."""
    exempt = {str(p) for p in allowed}
    found = []
    for path in paths:
        if not path.is_symlink() or str(path) in exempt:
            continue
        if not path.exists():
            found.append(Finding('link', str(path), f'leads to nothing: {os.readlink(path)}'))
        elif not f'{os.path.realpath(path)}/'.startswith(f'{os.path.realpath(root)}/'):
            found.append(Finding('link', str(path), f'leads to the host: {os.readlink(path)}'))
    return found


def audit_scripts(paths: Iterable[Path], root: Path) -> list[Finding]:
    """The interpreter of every executable script exists, inside of the stack."""
    found = []
    for path in paths:
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode) or not status.st_mode & 0o111:
            continue
        with open(path, 'rb') as stream:
            line = stream.readline(1024).decode(errors='replace').rstrip()
        if not line.startswith('#!') or not interpreter_of(line)[0]:
            continue
        interpreter = line[2:].split()[0]
        if not os.path.exists(interpreter):
            found.append(Finding('shebang', str(path), f'has no interpreter: {interpreter}'))
        elif not interpreter.startswith(f'{root}/'):
            found.append(Finding('shebang', str(path), f"uses the host's {interpreter}"))
    return found


def audit_digests(compat: Path) -> tuple[int, list[Finding]]:
    """Compare files with the md5 sums of the dpkg database; (number compared, findings)."""
    compared, found = 0, []
    for listing in sorted((compat / 'var' / 'lib' / 'dpkg' / 'info').glob('*.md5sums')):
        for line in listing.read_text(encoding='utf-8').splitlines():
            digest, _, name = line.partition('  ')
            compared += 1
            try:
                now = hashlib.md5((compat / name).read_bytes(), usedforsecurity=False).hexdigest()
            except OSError:
                found.append(Finding('changed', str(compat / name), 'is gone'))
                continue
            if now != digest:
                owner = listing.name.removesuffix('.md5sums')
                message = f'is not what was installed (package {owner})'
                found.append(Finding('changed', str(compat / name), message))
    return compared, found
