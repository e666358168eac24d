"""What the first bytes of a file tell: ELF headers, interpreter lines, module files."""

from __future__ import annotations

import re
import struct

from eessi_validate.gate.inspection.names import Add

#: Bytes of a file that are looked at.
HEAD = 4096
#: Larger ELF files are looked at by their first bytes only, even if their loader is named later.
ELF_BYTES = 64 << 20
#: Larger module files are not looked into.
MODULE_BYTES = 256 * 1024

ELF = b'\x7fELF'
_MACHINES = {'x86_64': 62, 'aarch64': 183, 'ppc64le': 21, 'riscv64': 243}
_NAMES = {number: name for name, number in _MACHINES.items()} | {3: 'i386', 40: 'arm'}
#: Code for accelerators and the kernel's virtual machine, whatever the host is.
_DEVICE_MACHINES = {190, 224, 247}
_CORE, _INTERP = 4, 3
_BUILD_PATHS = re.compile(rb'#! *(/(?:tmp|var/tmp|home|dev/shm|root|scratch)/[^ \n]*)')
_MODULE_ROOT = re.compile(
    rb'^[ \t]*(?:local[ \t]+root[ \t]*=[ \t]*"([^"\n]*)"|set[ \t]+root[ \t]+(\S+))', re.MULTILINE
)


def names_loader_later(head: bytes) -> bool:
    """Say whether program headers or the name of the loader are beyond the first bytes.

    Tools that edit programs, such as patchelf, move both.
    """
    if len(head) < 64 or head[4] != 2 or head[5] != 1:
        return False
    (offset,) = struct.unpack_from('<Q', head, 32)
    size, count = struct.unpack_from('<HH', head, 54)
    if offset + size * count > len(head):
        return True
    where, length = _interpreter_place(head)
    return where + length > len(head)


def judge_elf(
    head: bytes, family: str, loader_home: re.Pattern[bytes], path: bytes, add: Add
) -> None:
    """Report an ELF file of another architecture, with a foreign loader, or a core dump.

    Sources: System V ABI, "ELF Header" and "Program Header".

    :arg head: first bytes of the file, or all; a header beyond them is not looked at.
    :arg family: architecture that the file must be of.
    :arg loader_home: what the path of the loader must match.
    """
    if len(head) < 64:
        return
    order = '>' if head[5] == 2 else '<'
    kind, machine = struct.unpack_from(order + 'HH', head, 16)
    if kind == _CORE:
        add('core-dump', path, 'it is a core dump')
        return
    wanted = _MACHINES.get(family)
    if machine in _DEVICE_MACHINES:
        return
    if wanted and (machine != wanted or head[4] != 2 or head[5] != 1):
        shown = _NAMES.get(machine, f'machine {machine}')
        form = f'{32 * head[4]}-bit, {"big" if head[5] == 2 else "little"}-endian'
        add('elf-architecture', path, f'it is for {shown} ({form}), not for {family}')
        return
    interpreter = _interpreter(head) if head[4] == 2 and head[5] == 1 else b''
    if interpreter and (not loader_home.fullmatch(interpreter) or b'/..' in interpreter):
        shown = interpreter.decode('utf-8', 'backslashreplace')[:200]
        add('elf-interpreter', path, f'its loader is {shown}, not the one of the compat layer')


def _interpreter(content: bytes) -> bytes:
    where, length = _interpreter_place(content)
    return content[where : where + length].rstrip(b'\0') if length < 4096 else b''


def _interpreter_place(content: bytes) -> tuple[int, int]:
    """Return offset and length of the loader's name; zeros if there is none."""
    (offset,) = struct.unpack_from('<Q', content, 32)
    size, count = struct.unpack_from('<HH', content, 54)
    for number in range(count):
        start = offset + number * size
        if size < 56 or start + 56 > len(content):
            break
        if struct.unpack_from('<I', content, start)[0] == _INTERP:
            return struct.unpack_from('<Q16xQ', content, start + 8)
    return 0, 0


def judge_script(
    head: bytes, interpreters: re.Pattern[bytes] | None, path: bytes, add: Add
) -> None:
    """Report a script whose interpreter was only there while it was built.

    :arg interpreters: paths inside the release, which may itself be below such a directory.
    """
    found = _BUILD_PATHS.match(head)
    if found and (
        interpreters is None or not interpreters.fullmatch(found[1]) or b'/..' in found[1]
    ):
        shown = found[1].decode('utf-8', 'backslashreplace')[:200]
        add('shebang-build-path', path, f'its interpreter is {shown}')


def module_root(text: bytes) -> bytes:
    """Return where a module says that its installation is; b'' if it does not."""
    found = _MODULE_ROOT.search(text)
    return (found[1] or found[2] or b'').rstrip(b'/') if found else b''


def judge_module(root: bytes, wanted: bytes, path: bytes, add: Add) -> None:
    """Report a module whose root is not the installation of its name.

    :arg wanted: how the root must end.
    """
    if root and not root.endswith(b'/' + wanted):
        shown = root.decode('utf-8', 'backslashreplace')[:300]
        add('module-root-differs', path, f'it points to {shown}, not to {wanted.decode()}')
