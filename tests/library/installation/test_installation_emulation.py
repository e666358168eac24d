"""Programs on the emulated CPU of their target; needs qemu-user on PATH."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from small_stack import gcc

from eessi_library.installation import EMULATION, InstallationRequest, Release, check_installations
from eessi_library.installation.emulation import emulator, why_no_emulation

emulated = pytest.mark.skipif(
    not (shutil.which('qemu-x86_64-static') or shutil.which('qemu-x86_64')),
    reason='no qemu-x86_64 on PATH',
)


@pytest.fixture
def request_of_app(tmp_path: Path) -> InstallationRequest:
    release = Release(f'{tmp_path}/own.eessi.io/versions/2023.06', 'x86_64/generic')
    path = f'{release.software}/software/App/1.0'
    Path(path, 'bin').mkdir(parents=True)
    return InstallationRequest(release, 'App/1.0', path, None, (EMULATION,))


CODE = """\
#include <stdio.h>
int main(void) {
    float y[64], x[64];
    for (int i = 0; i < 64; i++) { x[i] = (float)i; y[i] = 1.0f; }
    __asm__ volatile("" : : "r"(x), "r"(y) : "memory");
    for (int i = 0; i < 64; i++) y[i] += 2 * x[i];
    __asm__ volatile("" : : "r"(y) : "memory");
    printf("App 1.0 %g\\n", y[63]);
    return 0;
}
"""


@emulated
@pytest.mark.parametrize(('flag', 'check'), [('-msse2', None), ('-mavx2', 'illegal-instruction')])
def test_what_the_target_does_not_have_is_refused(
    request_of_app: InstallationRequest, flag: str, check: str | None
) -> None:
    gcc(CODE, Path(request_of_app.path, 'bin', 'app'), '-O3', flag, '-static')
    report = next(check_installations([request_of_app], None, 1))
    assert report.not_run == ()
    assert [f.check for f in report.findings] == ([f'emulation/{check}'] if check else [])
    if check:
        assert 'qemu64 does not have' in report.findings[0].reason


def test_without_an_emulator_nothing_is_called_sound(
    request_of_app: InstallationRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv('PATH', '/nowhere')
    assert emulator(request_of_app.release) is None
    report = next(check_installations([request_of_app], None, 1))
    assert not report.is_sound
    assert 'no qemu-x86_64 here' in report.not_run[0][1]


def test_a_cpu_that_qemu_does_not_know_is_said_so() -> None:
    release = Release('/x/versions/2023.06', 'x86_64/intel/skylake_avx512')
    assert why_no_emulation(release) == 'no CPU model of qemu-user is x86_64/intel/skylake_avx512'
