"""CPU targets are rows of a table; a host runs those whose instructions it has."""

from __future__ import annotations

import archspec.cpu
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eessi_validate.errors import UsageError
from eessi_validate.stack import targets
from eessi_validate.stack.targets import (
    CpuTarget,
    Tier,
    cpu_targets,
    execution_tier,
    find_target,
    host_family,
    runs_natively,
)

#: The targets that DESIGN.md names.
PROMISED = (
    'x86_64/generic',
    'x86_64/intel/haswell',
    'x86_64/intel/skylake_avx512',
    'x86_64/amd/zen2',
    'aarch64/generic',
    'aarch64/neoverse_n1',
    'ppc64le/generic',
    'ppc64le/power9le',
)

any_target = st.sampled_from(cpu_targets())
any_host = st.sampled_from(sorted(archspec.cpu.TARGETS))


@pytest.mark.parametrize('name', PROMISED)
def test_promised_target_is_in_the_table(name: str) -> None:
    target = find_target(name)
    assert (target.name, target.family) == (name, name.partition('/')[0])
    assert target.archspec in archspec.cpu.TARGETS


def test_graviton2_is_neoverse_n1() -> None:
    assert find_target('aarch64/graviton2') is find_target('aarch64/neoverse_n1')


def test_names_and_aliases_are_unique() -> None:
    names = [name for target in cpu_targets() for name in (target.name, *target.aliases)]
    assert len(names) == len(set(names))


def test_unknown_target_names_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"'x86_64/intel/hasswell'.*x86_64/intel/haswell"):
        find_target('x86_64/intel/hasswell')


@given(any_target)
def test_target_runs_on_itself(target: CpuTarget) -> None:
    assert runs_natively(target, host=target.archspec)


@given(any_target, any_host)
def test_target_runs_on_its_descendants(target: CpuTarget, host: str) -> None:
    ancestors = {ancestor.name for ancestor in archspec.cpu.TARGETS[host].ancestors}
    if target.archspec in ancestors:
        assert runs_natively(target, host=host)


@given(any_target, any_host)
def test_no_target_runs_on_another_architecture(target: CpuTarget, host: str) -> None:
    if archspec.cpu.TARGETS[host].family.name != target.family:
        assert not runs_natively(target, host=host)


@pytest.mark.parametrize(
    ('target', 'host', 'runs'),
    [
        ('x86_64/intel/haswell', 'broadwell', True),
        ('x86_64/intel/skylake_avx512', 'zen2', False),
        ('x86_64/intel/skylake_avx512', 'haswell', False),
        ('x86_64/amd/zen2', 'icelake', False),
        ('x86_64/generic', 'zen4', True),
        ('aarch64/neoverse_n1', 'neoverse_v1', True),
        ('aarch64/neoverse_v1', 'neoverse_n1', False),
    ],
)
def test_instructions_decide_not_the_vendor(target: str, host: str, runs: bool) -> None:
    assert runs_natively(find_target(target), host=host) is runs


def test_generic_target_of_this_host_is_native() -> None:
    assert execution_tier(find_target(f'{host_family()}/generic')) == (Tier.NATIVE, '')


def test_other_architecture_is_static_without_an_emulator(monkeypatch: pytest.MonkeyPatch) -> None:
    other = next(t for t in cpu_targets() if t.family != host_family())
    monkeypatch.setattr(targets, 'emulator', lambda family: '')
    tier, reason = execution_tier(other)
    assert tier is Tier.STATIC
    assert f'no emulator for {other.family}' in reason


def test_other_architecture_is_emulated_where_qemu_is_registered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = next(t for t in cpu_targets() if t.family != host_family())
    monkeypatch.setattr(targets, 'emulator', lambda family: f'/usr/bin/qemu-{family}')
    assert execution_tier(other)[0] is Tier.EMULATED


def test_better_cpu_of_the_same_architecture_is_static_and_says_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(targets, 'runs_natively', lambda target: False)
    same = next(t for t in cpu_targets() if t.family == host_family())
    tier, reason = execution_tier(same)
    assert tier is Tier.STATIC
    assert 'lacks instructions' in reason


@pytest.mark.parametrize('host', ['power8le', 'ppc64le'])
def test_power9_does_not_run_on_older_power(host: str) -> None:
    assert not runs_natively(find_target('ppc64le/power9le'), host=host)
