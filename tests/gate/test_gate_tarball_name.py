"""File names of tarballs are matched against known targets, never split at hyphens."""

from __future__ import annotations

import pytest

from eessi_validate.gate.inspection.tarball_name import NameFault, parse_tarball_name
from eessi_validate.stack.targets import cpu_targets

STAMP = '1700000000'
ALL_PATHS = [path for t in cpu_targets() for path in (t.name, *t.aliases)]


@pytest.mark.parametrize('path', ALL_PATHS)
@pytest.mark.parametrize('accel', ['', 'accel/nvidia/cc80', 'accel/amd/gfx90a'])
@pytest.mark.parametrize('project', ['', 'my-project'])
def test_every_known_target_is_recognised(path: str, accel: str, project: str) -> None:
    middle = '-'.join(t.replace('/', '-') for t in (path, accel, project) if t)
    name = parse_tarball_name(f'eessi-2025.06-software-linux-{middle}-{STAMP}.tar.zst')
    assert name.cpu_target == path
    assert name.accel == ((accel,) if accel else ())
    assert name.project == project
    assert name.timestamp == int(STAMP)
    assert name.compression == 'zstd'


def test_a_longer_target_is_not_taken_for_a_shorter_one_with_a_project() -> None:
    name = parse_tarball_name(f'eessi-2025.06-software-linux-aarch64-nvidia-grace-{STAMP}.tar.gz')
    assert (name.cpu_target, name.project) == ('aarch64/nvidia/grace', '')


def test_a_timestamp_of_eleven_digits_as_seen_upstream() -> None:
    name = 'eessi-2023.06-software-linux-x86_64-amd-zen2-17796967460.tar.zst'
    assert parse_tarball_name(name).timestamp == 17796967460


@pytest.mark.parametrize(
    ('name', 'finding'),
    [
        ('eessi-2023.06-software-linux-x86_64-amd-zen99-1700000000.tar.zst', 'name-target-unknown'),
        ('eessi-2023.06-software-linux-x86_64-1700000000.tar.zst', 'name-target-unknown'),
        ('eessi-2023.06-compat-linux-x86_64-generic-1700000000.tar.gz', 'name-target-unknown'),
        ('eessi-2023.06-init-linux-x86_64-1700000000.tar.gz', 'name-malformed'),
        ('eessi-2023.06-compat-1700000000.tar.gz', 'name-malformed'),
        ('eessi-2023.06-software-linux-x86_64-amd-zen2-1700000000.tar', 'name-malformed'),
        ('eessi-2023.06-software-linux-x86_64-amd-zen2-17000.tar.zst', 'name-malformed'),
        ('eessi-2023.6-software-linux-x86_64-amd-zen2-1700000000.tar.zst', 'name-malformed'),
        ('eessi-2023.06-software-linux-x86_64/amd/zen2-1700000000.tar.zst', 'name-malformed'),
        ('eessi-2023.06-software-linux-x86_64-amd-zen2-1700000000.tar.zst\n', 'name-malformed'),
        ('eessi-2023.06-software-linux-x86_64-amd-zen2-\u0661700000000.tar.zst', 'name-malformed'),
    ],
)
def test_other_names_are_refused(name: str, finding: str) -> None:
    with pytest.raises(NameFault) as caught:
        parse_tarball_name(name)
    assert caught.value.finding == finding


def test_only_old_releases_may_name_the_architecture_alone() -> None:
    name = parse_tarball_name('eessi-2021.06-software-linux-x86_64-1630000000.tar.gz')
    assert (name.family, name.cpu_target, name.may_lack_release) == ('x86_64', '', True)
