"""A stack of another architecture runs under qemu-user, and its results say so.

The emulator is registered in a namespace of the test's own (Linux >= 6.7), not on the host.
"""

from __future__ import annotations

import json
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from eessi_validate.localstack import BuildRequest, build_stack

QEMU = shutil.which('qemu-aarch64-static')

#: Magic and mask of 64-bit little-endian ELF programs for machine 183, AArch64 (elf(5)).
_ELF = r'\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00'
_MASK = r'\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff'
_REGISTERED = f"""
mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc || exit 97
echo ':qemu-aarch64:M::{_ELF}:{_MASK}:{QEMU}:FP' >/proc/sys/fs/binfmt_misc/register || exit 98
exec "$@"
"""
EMULATED = ('unshare', '--user', '--map-root-user', '--mount', 'bash', '-c', _REGISTERED, 'bash')


def _can_register() -> bool:
    return subprocess.run([*EMULATED, 'true'], capture_output=True).returncode == 0


@pytest.mark.stack
@pytest.mark.slow
@pytest.mark.skipif(platform.machine() != 'x86_64', reason='emulates aarch64 on x86_64')
@pytest.mark.skipif(QEMU is None, reason='no qemu-aarch64-static on PATH')
def test_cases_of_another_architecture_pass_as_emulated(local_stack: Path, tmp_path: Path) -> None:
    if not _can_register():
        pytest.skip('this kernel has no binfmt_misc of its own for a user namespace')
    root = local_stack.parent / 'aarch64' / 'local.eessi.io'
    cache = local_stack.parent.parent
    build_stack(BuildRequest('2023.06', arch='aarch64', software=('FFTW',), root=root, cache=cache))
    start = [sys.executable, '-c', 'from eessi_validate.cli import main; main()', 'run']
    chosen = ('EESSI_FFTW_FourierTransforms', 'EESSI_compat_Loader')
    done = subprocess.run(
        [
            *EMULATED, *start, '--stack', str(root), '--target', 'aarch64/generic',
            *(word for name in chosen for word in ('--test', name)), '--scale', 'cores_1',
            '--out', str(tmp_path / 'out'), '--quiet', '--time-limit', '5m',
        ],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )  # fmt: skip
    report = json.loads((tmp_path / 'out' / 'report.json').read_text())
    found = {
        r['case']['id']['test']: (r['outcome'], r['evidence']) for r in report['run']['results']
    }
    assert found == dict.fromkeys(chosen, ('pass', 'emulated')), done.stdout
    assert done.returncode == 0
