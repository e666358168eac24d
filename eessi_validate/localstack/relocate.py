"""Fit unpacked files to their place: links, loader, ELF search paths, interpreters, text.

The technique is EESSI's own: every executable names the compat layer's loader (PT_INTERP) and
every object carries DT_RPATH, which also holds for what is loaded with dlopen(3).
"""

from __future__ import annotations

import os
import re
import struct
import subprocess
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from eessi_library.elf import read_elf
from eessi_validate.localstack.catalogue import Architecture, Rewrite
from eessi_validate.localstack.errors import RelocationError

_PT_NULL, _PT_DYNAMIC, _PT_INTERP = 0, 2, 3
#: Never patched: the loader itself and the C library that belongs to it.
_LOADER_FAMILY = re.compile(r'^(ld-linux.*|ld64\.so.*|ld\.so|libc\.so\.6)$')
_CHUNK = 40


@dataclass(frozen=True)
class Place:
    """A tree that lies at `now` while it is built and at `final` once it is published."""

    now: Path
    final: Path


@dataclass
class Tree:
    """What one walk over a tree found; paths are those of now."""

    executables: list[Path] = field(default_factory=list)
    libraries: list[Path] = field(default_factory=list)
    scripts: list[Path] = field(default_factory=list)
    absolute_links: list[Path] = field(default_factory=list)
    relative_links: list[Path] = field(default_factory=list)


def scan(top: Path) -> Tree:
    """Classify every file below `top`; make each readable by all, and take away setuid, setgid
    and world-writable modes.

    A file of several names (perl and perl5.36.0 are hard links of each other) is in the tree
    once, so that no two programs write it at the same time.
    """
    tree = Tree()
    seen: set[tuple[int, int]] = set()
    for folder, names, files in os.walk(top):
        for name in [*names, *files]:
            path = os.path.join(folder, name)
            status = os.lstat(path)
            kind = status.st_mode & 0o170000
            if kind == 0o120000:
                absolute = os.readlink(path).startswith('/')
                (tree.absolute_links if absolute else tree.relative_links).append(Path(path))
                continue
            least = 0o255 if status.st_mode & 0o100 else 0o244
            if status.st_mode & 0o7002 or status.st_mode & least != least:
                os.chmod(path, status.st_mode & 0o0775 | least)
            identity = status.st_dev, status.st_ino
            if kind == 0o100000 and status.st_size > 2 and identity not in seen:
                _classify(path, tree)
            if status.st_nlink > 1:
                seen.add(identity)
    return tree


def _classify(path: str, tree: Tree) -> None:
    with open(path, 'rb') as stream:
        head = stream.read(64)
        if head[:2] == b'#!':
            tree.scripts.append(Path(path))
        elif head[:4] == b'\x7fELF' and len(head) == 64 and head[4:6] == b'\x02\x01':
            kinds = _segment_kinds(head, stream.read(4096 - 64))
            if _PT_DYNAMIC in kinds and not _LOADER_FAMILY.match(os.path.basename(path)):
                group = tree.executables if _PT_INTERP in kinds else tree.libraries
                group.append(Path(path))


def _segment_kinds(header: bytes, rest: bytes) -> set[int]:
    """Program header types of a 64-bit little-endian ELF file (System V gABI, chapter 5)."""
    kind = struct.unpack_from('<H', header, 16)[0]
    if kind not in (2, 3):  # ET_EXEC, ET_DYN
        return set()
    offset, count = struct.unpack_from('<Q', header, 32)[0], struct.unpack_from('<H', header, 56)[0]
    data = header + rest
    return {
        struct.unpack_from('<I', data, offset + 56 * i)[0]
        for i in range(count)
        if offset + 56 * i + 4 <= len(data)
    }


def relink(tree: Tree, place: Place, compat: Place, *, strip_usr: bool) -> int:
    """Make absolute links relative, into the tree itself or into the compat layer.

    A link whose target is in neither is removed, as are relative ones that lead to nothing
    (to documentation that was left out, mostly); the number of those is returned.
    """
    removed = 0
    for link in tree.absolute_links:
        target = os.readlink(link)
        own = re.sub(r'^/usr/', '/', target) if strip_usr else target
        here = place.final / link.parent.relative_to(place.now)
        link.unlink()
        for candidate, base in ((own, place), (target, compat)):
            if os.path.lexists(f'{base.now}{candidate}'):
                link.symlink_to(os.path.relpath(f'{base.final}{candidate}', here))
                break
        else:
            removed += 1
    lost = [link for link in tree.relative_links if not _leads_somewhere(link)]
    while lost:
        for link in lost:
            link.unlink()
        removed += len(lost)
        rest = (link for link in tree.relative_links if link.is_symlink())
        lost = [link for link in rest if not _leads_somewhere(link)]
    return removed


def _leads_somewhere(link: Path) -> bool:
    return os.path.lexists(link.parent / os.readlink(link))


def make_link(top: Path, link: str, targets: Sequence[str]) -> None:
    """Link to the first of `targets` that exists (all relative to `top`), unless it is there."""
    path = top / link
    for target in targets:
        if os.path.lexists(top / target) and not os.path.lexists(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.symlink_to(os.path.relpath(top / target, path.parent))
            return


def isolate_loader(compat: Path, arch: Architecture) -> None:
    """Take the host's library directories and cache out of the loader, and its loader and
    character-set modules out of the C library: same-length edits, so that nothing moves.

    What an RPATH misses is then "not found" instead of silently the host's.
    """
    triplet = arch.triplet.encode()
    edits = (
        (b'/etc/ld.so.cache\0', b'/etc/ld.so.eessi\0'),
        (b'/lib/' + triplet + b'/\0', b'/nil/' + triplet + b'/\0'),
        (b'/usr/lib/' + triplet + b'/\0', b'/usr/nil/' + triplet + b'/\0'),
        (b'\0/lib/\0/usr/lib/\0', b'\0/nil/\0/usr/nil/\0'),
        (b'\0/lib64/\0/usr/lib64/\0', b'\0/nil64/\0/usr/nil64/\0'),
    )
    _edit((compat / arch.loader).resolve(), edits)
    gconv = b'/lib/' + triplet + b'/gconv'
    libc = (compat / 'usr' / 'lib' / arch.triplet / 'libc.so.6').resolve()
    _edit(libc, ((b'/usr' + gconv, b'/nil' + gconv),))
    _make_no_program(libc)


def _make_no_program(library: Path) -> None:
    """Take the loader's name out of a library that can be started, and its executable mode.

    The C library prints its version then, but by the host's loader.
    """
    content = bytearray(library.read_bytes())
    (offset,) = struct.unpack_from('<Q', content, 32)
    for number in range(struct.unpack_from('<H', content, 56)[0]):
        header = offset + 56 * number
        if struct.unpack_from('<I', content, header)[0] == _PT_INTERP:
            struct.pack_into('<I', content, header, _PT_NULL)
    library.write_bytes(content)
    library.chmod(library.stat().st_mode & 0o666)


def _edit(path: Path, edits: Iterable[tuple[bytes, bytes]]) -> None:
    content = path.read_bytes()
    for old, new in edits:
        content = content.replace(old, new)
    path.write_bytes(content)


def library_dirs(place: Place, arch: Architecture, extra: Sequence[str], base: str) -> list[str]:
    """Final paths of the directories of a tree that hold libraries; `base` is lib or usr/lib."""
    found: list[str] = []
    for name in (*extra, f'{base}/{arch.triplet}', base, f'{base}64'):
        if (place.now / name).is_dir() and f'{place.final}/{name}' not in found:
            found.append(f'{place.final}/{name}')
    return found


def by_own_dirs(files: Iterable[Path]) -> dict[tuple[str, ...], list[Path]]:
    """Group ELF files by the directories that they search relative to themselves.

    Their own directory is always among them: libraries of a wheel lie side by side, and some
    rely on the search path of the object that loads them.
    """
    groups: dict[tuple[str, ...], list[Path]] = {}
    for path in files:
        elf = read_elf(path)
        search = (elf.runpath or elf.rpath or '') if elf else ''
        relative = (d for d in search.split(':') if d.startswith('$ORIGIN'))
        own = tuple(dict.fromkeys((*relative, '$ORIGIN')))
        groups.setdefault(own, []).append(path)
    return groups


def patch_elf(
    patchelf: str, files: Sequence[Path], rpath: Sequence[str], interpreter: str, workers: int
) -> None:
    """Set DT_RPATH, and PT_INTERP unless `interpreter` is empty; RelocationError names the file."""
    command = [patchelf, '--force-rpath', '--set-rpath', ':'.join(rpath)]
    command += ['--set-interpreter', interpreter] if interpreter else []

    def run(some: Sequence[Path]) -> None:
        done = subprocess.run([*command, *map(str, some)], capture_output=True, check=False)
        if not done.returncode:
            return
        if len(some) > 1:
            for each in some:
                run([each])
            return
        said = done.stderr.decode(errors='replace').strip() or f'exit status {done.returncode}'
        raise RelocationError(f'patchelf failed on {some[0]}: {said}')

    rest = iter(files)
    chunks = iter(lambda: list(islice(rest, _CHUNK)), [])
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(run, chunks))


def fix_shebangs(tree: Tree, compat: Place) -> None:
    """Point scripts at the compat layer's interpreters.

    A script whose interpreter the layer does not have is no program here: it loses its
    executable mode, so that it never runs with the host's.
    """
    for script in tree.scripts:
        first, newline, rest = script.read_bytes().partition(b'\n')
        name, arguments = interpreter_of(first.decode(errors='replace'))
        if not name or first.startswith(f'#!{compat.final}/'.encode()):
            continue
        for folder in ('usr/bin', 'usr/sbin'):
            if os.path.lexists(compat.now / folder / name):
                line = f'#!{compat.final}/{folder}/{name}{arguments}'.encode()
                script.write_bytes(line + newline + rest)
                break
        else:
            script.chmod(script.stat().st_mode & 0o666)


def interpreter_of(line: str) -> tuple[str, str]:
    """Name and arguments of a script's interpreter, seen through env(1); empty if none."""
    match = re.match(r'#!\s*(?:\S*/env\s+)?(?:\S*/)?([\w.+-]+)(.*)', line)
    return (match.group(1), match.group(2).rstrip()) if match else ('', '')


def rewrite_text(place: Place, compat: Place, rewrites: Iterable[Rewrite]) -> None:
    """Replace compiled-in paths in the text files that the table names."""
    for rewrite in rewrites:
        pairs = [
            (
                re.compile(rb'(?<![\w.}-])' + pattern.encode()),
                text.format(prefix=place.final, compat=compat.final).encode(),
            )
            for pattern, text in rewrite.replace.items()
        ]
        for path in {p for glob in rewrite.files for p in place.now.glob(glob)}:
            if path.is_symlink() or not path.is_file():
                continue
            content = path.read_bytes()
            if b'\0' in content[:2000]:
                continue
            changed = content
            for expression, replacement in pairs:
                changed = expression.sub(lambda _, r=replacement: r, changed)  # type: ignore[misc]
            if changed != content:
                path.write_bytes(changed)
