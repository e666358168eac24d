"""A tarball packed from a real stack has no finding, and what was changed in it has one."""

from __future__ import annotations

import platform
from pathlib import Path

import pytest
from typer.testing import CliRunner

from eessi_validate.cli import app
from eessi_validate.errors import UsageError
from eessi_validate.gate.inspection import inspect_tarball
from eessi_validate.gate.packing import pack_compat, pack_installation
from eessi_validate.stack.layout import open_stack

pytestmark = pytest.mark.stack
TARGET = f'{platform.machine()}/generic'


@pytest.fixture(scope='module')
def gromacs(local_stack: Path) -> str:
    """The module of GROMACS in the local stack."""
    modules = open_stack(local_stack).release('2023.06').modules(TARGET)
    return next(m.full_name for m in modules if m.software == 'GROMACS')


@pytest.mark.parametrize('compression', ['zst', 'gz'])
@pytest.mark.parametrize('with_base', [True, False])
def test_gromacs_has_no_finding(
    compression: str, with_base: bool, local_stack: Path, gromacs: str, tmp_path: Path
) -> None:
    tarball = pack_installation(
        local_stack, '2023.06', TARGET, gromacs, tmp_path, compression=compression
    )
    inspection = inspect_tarball(tarball, base=local_stack if with_base else None)
    assert inspection.findings == ()
    assert [p.name for p in inspection.installations] == [gromacs]
    assert inspection.totals.files > 300
    assert inspection.totals.elf_files >= 3
    assert inspection.totals.replaced == 0


def test_the_compat_layer_has_no_finding(local_stack: Path, tmp_path: Path) -> None:
    family = TARGET.partition('/')[0]
    tarball = pack_compat(local_stack, '2023.06', family, tmp_path, compression='zst')
    inspection = inspect_tarball(tarball, base=local_stack)
    assert inspection.findings == ()
    assert inspection.totals.elf_files > 100
    assert inspection.totals.new == inspection.totals.replaced == 0


@pytest.mark.parametrize('compression', ['zst', 'gz'])
def test_a_damaged_byte_of_what_was_packed_rejects(
    compression: str, local_stack: Path, gromacs: str, tmp_path: Path
) -> None:
    tarball = pack_installation(
        local_stack, '2023.06', TARGET, gromacs, tmp_path, compression=compression
    )
    content = bytearray(tarball.read_bytes())
    for place in range(1, 8):
        changed = content.copy()
        changed[len(content) * place // 8] ^= 0x10
        tarball.write_bytes(changed)
        # 'header-checksum' and the like, where the archive's own format shows it first
        assert inspect_tarball(tarball).rejected


def test_a_suffix_of_the_release_is_a_new_release(
    local_stack: Path, gromacs: str, tmp_path: Path
) -> None:
    tarball = pack_installation(
        local_stack, '2023.06', TARGET, gromacs, tmp_path, suffix='-001', timestamp=1_700_000_000
    )
    inspection = inspect_tarball(tarball, base=local_stack)
    assert inspection.facts.suffix == '-001'
    assert set(inspection.counts) == {'base-suffix-missing'}
    assert not inspection.held


def test_packing_is_reproducible(local_stack: Path, gromacs: str, tmp_path: Path) -> None:
    digests = set()
    for number in range(2):
        directory = tmp_path / str(number)
        directory.mkdir()
        made = pack_installation(
            local_stack, '2023.06', TARGET, gromacs, directory, timestamp=1_700_000_000
        )
        digests.add((made.name, inspect_tarball(made).subject.sha256))
    assert len(digests) == 1


def test_what_is_not_installed_cannot_be_packed(local_stack: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r'no module NoSuch/1\.0'):
        pack_installation(local_stack, '2023.06', TARGET, 'NoSuch/1.0', tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_command_says_what_it_found(local_stack: Path, gromacs: str, tmp_path: Path) -> None:
    tarball = pack_installation(local_stack, '2023.06', TARGET, gromacs, tmp_path)
    result = CliRunner().invoke(app, ['inspect', str(tarball), '--stack', str(local_stack)])
    assert result.exit_code == 0
    assert 'sound: no findings' in result.output
    assert gromacs in result.output

    renamed = tarball.with_name(tarball.name.replace('generic', 'generic-project'))
    tarball.rename(renamed)
    assert CliRunner().invoke(app, ['inspect', str(renamed)]).exit_code == 75
    wrong = renamed.with_name(tarball.name.replace('2023.06', '2021.12'))
    renamed.rename(wrong)
    result = CliRunner().invoke(app, ['inspect', str(wrong), '--json'])
    assert result.exit_code == 1
    assert '"member-other-release"' in result.output
