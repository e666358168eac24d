"""An MPI of the site in the place of the stack's: not fit for it, or not what the ranks get.

The site's MPI is a stand-in: the stack's own libraries, copied to where a site puts its own, with
another version in their words. On Debian 12 they are those of the host's own package as well.
"""

from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path

from faults import Application, Fault
from tampering import Tampering

from eessi_library.installation import Release
from eessi_library.installation.mpi_injection import injection_directory, linked_library
from eessi_validate.localstack.host import patchelf_program

CHECK = ('--test', 'EESSI_mpi_injection')
RUN = ('--test', 'EESSI_MPI_Communication', '--scale', 'cores_2')

#: What Open MPI says of itself, and what the stand-in says.
_OWN_WORDS, _OTHER_WORDS = b'Open MPI v%d.%d.%d', b'Open MPI v%d.%d.99'


def _release(stack: Tampering) -> Release:
    return Release(str(stack.release), 'x86_64/generic')


def inject(stack: Tampering) -> Path:
    """Give the stack an MPI of the site; return its libmpi."""
    place = Path(injection_directory(_release(stack)))
    stack.tree(place)
    own = next(iter(sorted(stack.installation('OpenMPI').rglob('libmpi.so.40')))).parent
    for pattern in ('libmpi*.so*', 'libopen-*.so*', 'liboshmem*.so*'):
        for path in own.glob(pattern):
            shutil.copy2(path, place / path.name, follow_symlinks=False)
    library = (place / 'libmpi.so.40').resolve()
    library.write_bytes(library.read_bytes().replace(_OWN_WORDS, _OTHER_WORDS))
    return library


def _linked(stack: Tampering) -> Path:
    path = linked_library(_release(stack))
    assert path is not None
    return Path(path).resolve()


def _without_symbol(stack: Tampering) -> None:
    library = inject(stack)
    content = library.read_bytes()
    # The name without P is the end of the name with it (the linker merges strings).
    assert content.count(b'PMPI_Bcast\0') == 1
    library.write_bytes(content.replace(b'PMPI_Bcast\0', b'PMPI_Bcust\0'))


def _not_looked_for(stack: Tampering) -> None:
    """Take the place of the site's MPI out of the search path of an object that is linked to it."""
    inject(stack)
    path = _linked(stack)
    patchelf = str(patchelf_program())
    asked = subprocess.run(
        [patchelf, '--print-rpath', str(path)], check=True, capture_output=True, text=True
    )
    rest = [d for d in asked.stdout.strip().split(':') if 'host_injections' not in d]
    stack.replace(path, path.read_bytes())
    subprocess.run(
        [patchelf, '--force-rpath', '--set-rpath', ':'.join(rest), str(path)], check=True
    )


def _other_machine(stack: Tampering) -> None:
    library = inject(stack)
    content = bytearray(library.read_bytes())
    struct.pack_into('<H', content, 18, 183)  # EM_AARCH64: the loader passes it by
    library.write_bytes(content)


def _newer_c_library(stack: Tampering) -> None:
    """Ask for a version of the C library that the compat layer does not have (SysV hash, gABI)."""
    library, old, new = inject(stack), b'GLIBC_2.34', b'GLIBC_2.99'
    content = library.read_bytes()
    assert content.count(old + b'\0') == 1
    content = content.replace(old + b'\0', new + b'\0')
    content = content.replace(
        struct.pack('<I', _sysv_hash(old)), struct.pack('<I', _sysv_hash(new))
    )
    library.write_bytes(content)


def _sysv_hash(name: bytes) -> int:
    value = 0
    for byte in name:
        value = (value << 4) + byte
        high = value & 0xF0000000
        value = (value ^ (high >> 24)) & ~high & 0xFFFFFFFF
    return value


def _half_of_it(stack: Tampering) -> None:
    for path in inject(stack).parent.glob('libopen-*'):
        path.unlink()


FAULTS = (
    Fault(
        'library of the site without a symbol', _without_symbol,
        r'mpi/missing-symbol: .*the injected libmpi\.so\.40 has no MPI_Bcast', CHECK,
    ),
    Fault(
        'run that silently takes the own library', _not_looked_for,
        r'rank 0 has loaded \S+/OpenMPI/\S+/libmpi\.so\S+, not the MPI of the site in '
        r'\S+host_injections', RUN,
    ),
    Fault(
        'library of the site for a newer C library', _newer_c_library,
        r'mpi/missing-version: \S+libmpi\.so\.40.*GLIBC_2\.99', CHECK,
    ),
    Fault(
        'run with a library of the site without a symbol', _without_symbol,
        r'undefined symbol: MPI_Bcast', RUN,
    ),
    Fault(
        'object that does not look for the library of the site', _not_looked_for,
        r'mpi/not-used: \S+ takes libmpi\.so\.40 from \S+/OpenMPI/', CHECK,
    ),
    Fault(
        'library of the site for another machine', _other_machine,
        r'mpi/not-used: .*another machine', CHECK,
    ),
    Fault(
        'run with a library of the site for a newer C library', _newer_c_library,
        r"GLIBC_2\.99' not found", RUN,
    ),
    Fault(
        'half of the libraries of the site', _half_of_it,
        r'mpi/soname: .*need libopen-(?:rte|pal)\.so\.40', CHECK,
    ),
)  # fmt: skip

APPLICATION = Application('MPI of the site', 'minimal', FAULTS, sound=(), always=3)
