"""What objdump makes of code: whole files, and many short windows of code at once."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

#: objdump's names for the machines of CPU families.
ARCHITECTURES: Final = {
    'x86_64': 'i386:x86-64',
    'aarch64': 'aarch64',
    'ppc64le': 'powerpc:common64',
}

#: Seconds for one file of some hundred megabytes on a busy machine.
LIMIT_SECONDS: Final = 600

_PREFIXES: Final = rb'(?:(?:\{\w+\}|rep\w*|lock|data16|cs|ds|es|fs|gs|rex\S*|notrack|bnd) )*'

#: A line of a window at an offset of 92 to 96 from a multiple of 128.
_WINDOW: Final = re.compile(
    rb'\n *([0-9a-f]*(?:[5d][c-f]|[6e]0)):\t' + _PREFIXES + rb'(\w+)([^\n]*)'
)
_FUNCTION: Final = re.compile(rb'>:\n')
_NOP: Final = b'\x90'


class NoDisassembler(Exception):
    """No objdump that knows the machine."""


class DisassemblyFailed(Exception):
    """objdump could not read a file."""


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction: address, mnemonic and operands in Intel syntax."""

    address: int
    mnemonic: str
    operands: str


@lru_cache(maxsize=8)
def find_objdump(family: str, compat: str) -> str:
    """Return an objdump that knows a CPU family: the stack's own, else the host's.

    Raises NoDisassembler naming what was tried.
    """
    wanted = ARCHITECTURES.get(family, family)
    tried = []
    names = (f'{compat}/usr/bin/objdump', f'{family}-linux-gnu-objdump', 'objdump')
    for program in (shutil.which(name) for name in names):
        if program is None:
            continue
        said = subprocess.run([program, '--info'], capture_output=True, text=True, check=False)
        if said.returncode == 0 and re.search(
            rf'\b{re.escape(wanted.split(":")[0])}\b', said.stdout
        ):
            return program
        tried.append(program)
    raise NoDisassembler(
        f'no objdump for {family} (tried: {", ".join(tried) or "none found"}); '
        'install binutils-multiarch'
    )


def windows(
    objdump: str, family: str, code: bytes, offsets: Sequence[int], size: int = 128
) -> Iterator[tuple[int, Instruction]]:
    """Yield (its offset, instruction) where a decode from bytes ahead meets a given offset.

    ``size``, a multiple of 128, is 32 more than the bytes ahead. x86 code synchronises itself
    within a few instructions wherever one starts (Linn and Debray, CCS 2003, section 4): of 16,000
    instructions beyond SSE2 in libgromacs, libgfortran and libdeflate, windows of 128 bytes found
    99.9 %. 16 single-byte NOPs end each window, so that the next one starts afresh.
    """
    if not offsets:
        return
    before = size - 32
    with tempfile.NamedTemporaryFile(prefix='isa-windows-') as file:
        for offset in offsets:
            lead = code[max(0, offset - before) : offset]
            body = lead.rjust(before, _NOP) + code[offset : offset + 16]
            file.write(body.ljust(size, _NOP))
        file.flush()
        command = [objdump, '-D', '-b', 'binary', '-m', ARCHITECTURES[family], '-M', 'intel']
        done = subprocess.run(
            [*command, '-w', '-z', '--no-show-raw-insn', file.name],
            capture_output=True,
            check=True,
            timeout=LIMIT_SECONDS,
            env={'PATH': os.defpath, 'LC_ALL': 'C'},
        )
    for match in _WINDOW.finditer(done.stdout):
        address = int(match[1], 16)
        # a legacy prefix or two stand before the place that the search names
        if before - 4 <= address % size <= before:
            start = offsets[address // size] - before + address % size
            yield start, Instruction(start, match[2].decode(), match[3].decode().strip())


def stretches(
    objdump: str, family: str, code: bytes, ranges: Sequence[tuple[int, int]], mnemonics: str
) -> Iterator[tuple[int, Instruction]]:
    """Yield (its offset, instruction) for those that a pattern names in ranges of code.

    Each range is decoded from its first byte to its end, and 16 NOPs follow.
    """
    if not ranges:
        return
    begins: list[int] = []
    with tempfile.NamedTemporaryFile(prefix='isa-stretches-') as file:
        for start, end in ranges:
            begins.append(file.tell())
            file.write(code[start:end] + _NOP * 16)
        file.flush()
        command = [objdump, '-D', '-b', 'binary', '-m', ARCHITECTURES[family], '-M', 'intel']
        done = subprocess.run(
            [*command, '-w', '-z', '--no-show-raw-insn', file.name],
            capture_output=True,
            check=True,
            timeout=LIMIT_SECONDS,
            env={'PATH': os.defpath, 'LC_ALL': 'C'},
        )
    for match in _named(mnemonics).finditer(done.stdout):
        number = int(
            done.stdout[done.stdout.rfind(b'\n', 0, match.start()) + 1 : match.start()], 16
        )
        at = bisect_right(begins, number) - 1
        start, end = ranges[at]
        offset = start + number - begins[at]
        if offset < end:
            operands = (match['operands'] or b'').decode('utf-8', 'replace')
            yield offset, Instruction(offset, match['mnemonic'].decode(), operands)


def _named(mnemonics: str) -> re.Pattern[bytes]:
    return re.compile(
        rb':\t' + _PREFIXES + rb'(?P<mnemonic>' + mnemonics.encode() + rb')'
        rb'(?: +(?P<operands>[^\n]*))?$',
        re.MULTILINE,
    )


def whole_file(objdump: str, path: str, mnemonics: str) -> Iterator[tuple[str, Instruction]]:
    """Yield (function, instruction) for those instructions of a file that a pattern names.

    A linear sweep through every section with code, restarted at every symbol: objdump -d.
    """
    command = [objdump, '-d', '-w', '--no-show-raw-insn', '-M', 'intel', path]
    wanted = _named(mnemonics)
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={'PATH': os.defpath, 'LC_ALL': 'C'},
    ) as process:
        assert process.stdout is not None
        rest, function = b'', ''
        while block := process.stdout.read(4 << 20):
            lines, _, rest = (rest + block).rpartition(b'\n')
            lines += b'\n'
            starts = [match.start() for match in _FUNCTION.finditer(lines)]
            known = 0
            for match in wanted.finditer(lines):
                while known < len(starts) and starts[known] < match.start():
                    known += 1
                if known:
                    function = _function_at(lines, starts[known - 1])
                address = lines[lines.rfind(b'\n', 0, match.start()) + 1 : match.start()]
                operands = (match['operands'] or b'').decode('utf-8', 'replace')
                yield (
                    function,
                    Instruction(int(address, 16), match['mnemonic'].decode(), operands),
                )
            if starts:
                function = _function_at(lines, starts[-1])
        if process.wait() != 0:
            raise DisassemblyFailed(f'{path}: {objdump} ends with status {process.returncode}')


def function_of(objdump: str, path: str, address: int) -> str:
    """Return the nearest symbol before an address as objdump names it, '?' when there is none."""
    limits = [f'--start-address={address:#x}', f'--stop-address={address + 16:#x}']
    done = subprocess.run(
        [objdump, '-d', '-w', *limits, path],
        capture_output=True,
        check=False,
        timeout=LIMIT_SECONDS,
        env={'PATH': os.defpath, 'LC_ALL': 'C'},
    )
    found = _FUNCTION.search(done.stdout)
    return _function_at(done.stdout, found.start()) if found else '?'


def _function_at(listing: bytes, end: int) -> str:
    """Return the name in the line ``0000000000001234 <name>:`` that ends at a position."""
    line = listing[listing.rfind(b'\n', 0, end) + 1 : end]
    return line.partition(b'<')[2].decode('utf-8', 'replace').removesuffix('@@Base')
