"""Does every ELF object find all it needs inside of the stack?

Native architectures are asked with the layer's own loader (``ld.so --list``, ld.so(8)); for
foreign ones the loader is simulated from the files (eessi_library.elf): evidence grade static.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from eessi_library.elf import ElfError, Loader, LoaderRules, read_defaults, read_elf
from eessi_validate.localstack.finding import Finding

_LINE = re.compile(r'^\s*(?:(\S+) => )?(/\S+|not found)(?: \(0x[0-9a-f]+\))?\s*$')
_FAILED = re.compile(r'error while loading shared libraries: ([^:]+): (.*)')


def elf_files(files: Iterable[Path]) -> Iterator[Path]:
    """Those of `files` that start as an ELF file does."""
    for path in files:
        try:
            with open(path, 'rb') as stream:
                if stream.read(4) == b'\x7fELF':
                    yield path
        except OSError:
            continue


def audit_native(files: list[Path], loader: Path, root: Path, workers: int) -> list[Finding]:
    """Run the loader on every object; interpreters are read from the files."""
    with ThreadPoolExecutor(workers) as pool:
        found = pool.map(lambda path: _one_native(path, loader, root), files)
        return [finding for each in found for finding in each]


def _one_native(path: Path, loader: Path, root: Path) -> list[Finding]:
    try:
        elf = read_elf(path)
    except (ElfError, OSError) as broken:
        return [Finding('elf', str(path), f'cannot be read: {broken}')]
    if elf is None or not elf.is_dynamic or path.resolve() == loader.resolve():
        return []
    findings = []
    if elf.interpreter and not _inside(elf.interpreter, root):
        message = f'names the loader {elf.interpreter}, which is not of this stack'
        findings.append(Finding('host-loader', str(path), message))
    done = subprocess.run(
        [str(loader), '--list', str(path)],
        capture_output=True,
        text=True,
        errors='replace',
        check=False,
        env={'PATH': '/usr/bin:/bin'},
    )
    said = done.stdout + done.stderr
    findings += [Finding(check, str(path), m) for check, m in read_listing(said, root)]
    if done.returncode and not findings and 'not a dynamic executable' not in said:
        findings.append(Finding('elf', str(path), f'the loader refuses it: {said.strip()[-160:]}'))
    return findings


def read_listing(text: str, root: Path) -> list[tuple[str, str]]:
    """(check, message) for every complaint in what ``ld.so --list`` printed. Pure."""
    found = []
    for line in text.splitlines():
        failed = _FAILED.search(line)
        if failed:
            found.append(('missing-library', f'{failed.group(1)}: {failed.group(2)}'))
            continue
        match = _LINE.match(line)
        if match is None:
            continue
        name, where = match.groups()
        if where == 'not found':
            found.append(('missing-library', f'{name} is not found'))
        elif not _inside(where, root):
            found.append(('host-library', f'{name or where} comes from the host: {where}'))
    return found


def audit_static(files: list[Path], loader: Path, root: Path) -> list[Finding]:
    """Simulate the loader; nothing is executed."""
    try:
        rules = LoaderRules(read_defaults(loader).directories, interpreter=str(loader))
    except (ElfError, OSError) as broken:
        return [Finding('elf', str(loader), f'no usable loader: {broken}')]
    simulated = Loader(rules, prefixes=[str(root)])
    findings = []
    for path in files:
        if path.resolve() == loader.resolve() or path.name.startswith('libc.so.'):
            continue
        try:
            elf = read_elf(path)
            if elf is None or not elf.is_dynamic:
                continue
            program = simulated.load(str(path))
        except (ElfError, OSError) as broken:
            findings.append(Finding('elf', str(path), f'cannot be read: {broken}'))
            continue
        findings += [Finding(f.kind.value, str(path), f.message) for f in program.findings]
    return findings


def _inside(path: str, root: Path) -> bool:
    return os.path.normpath(path).startswith(f'{root}/')
