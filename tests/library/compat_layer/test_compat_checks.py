"""The table of checks: what applies to which stack, known without ReFrame."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from eessi_library.compat_layer import (
    CHECKS,
    GROUPS,
    applicable,
    applicable_checks,
    detect_package_manager,
    group_applicable,
    shipped_programs,
)
from eessi_library.compat_layer.checks import find_check, release_key
from eessi_library.compat_layer.layout import (
    HOST_LINKS,
    REQUIRED_TOOLS,
    read_place,
    required,
    trusted_directories,
)

FIXTURES = Path(__file__).parent / 'fixtures'


def test_a_planner_reads_the_table_without_reframe():
    code = (
        'import sys, eessi_library.compat_layer; '
        'sys.exit(any(m.partition(".")[0] == "reframe" for m in sys.modules))'
    )
    assert subprocess.run([sys.executable, '-c', code]).returncode == 0


@pytest.mark.parametrize('group', GROUPS)
def test_each_group_has_a_test_that_judges_every_check_of_it_and_no_other(group):
    module, _, name = GROUPS[group].rpartition('.')
    test = getattr(importlib.import_module(module), name)
    judged = {m.removeprefix('judge_') for m in dir(test) if m.startswith('judge_')}
    assert test.group == group
    assert judged == {check for check in CHECKS if find_check(check).group == group}
    assert test.truths
    assert test.varies
    assert test.kind == 'functional'
    assert set(test.directions.values()) <= {'truth', 'lower', 'higher'}


@pytest.mark.parametrize('manager', ['portage', 'dpkg', 'none'])
@pytest.mark.parametrize('release', ['2020.12', '2021.06', '2023.06', '2025.06', '2026.06'])
def test_what_does_not_apply_has_a_reason(manager, release):
    for check in CHECKS:
        answer = applicable(check, release, manager)
        assert answer.applies != bool(answer.reason), check


def test_portage_s_own_checks_do_not_apply_to_a_dpkg_stack():
    answer = group_applicable('portage_setup', '2023.06', 'dpkg')
    assert not answer.applies
    assert 'dpkg' in answer.reason


def test_the_package_set_applies_up_to_2025_06():
    assert applicable('set_installed', '2025.06', 'portage').applies
    assert applicable('set_installed', '2026.06', 'portage').reason.endswith('(this is 2026.06)')


def test_archspec_applies_wherever_it_is_shipped():
    assert applicable('archspec', '2023.06', 'portage', {'archspec'}).applies
    answer = applicable('archspec', '2023.06', 'dpkg', set())
    assert answer.reason == 'archspec not shipped by this compat layer'


def test_a_missing_database_is_checked_not_excused():
    assert applicable_checks('packages', '2023.06', 'none') == ('database', 'files', 'unowned')


@pytest.mark.parametrize('release', ['latest', '', '23.06', '2023-06'])
def test_an_unknown_release_is_refused(release):
    with pytest.raises(ValueError, match='neither'):
        release_key(release)


def test_a_nightly_release_is_a_release():
    assert release_key('20250612') == (2025, 6)
    assert release_key('2025.06-001') == (2025, 6)


def test_unknown_names_are_refused_with_the_valid_ones():
    with pytest.raises(ValueError, match='the checks are start'):
        applicable('strat', '2023.06', 'dpkg')
    with pytest.raises(ValueError, match='rpm'):
        applicable('start', '2023.06', 'rpm')


def test_the_pilot_has_no_versions_directory():
    place = read_place(str(FIXTURES / 'pilot/2021.06/compat/linux/ppc64le'))
    assert (place.release, place.arch) == ('2021.06', 'ppc64le')
    assert place.root == str(FIXTURES / 'pilot')


def test_a_path_that_is_no_compat_layer_is_refused():
    with pytest.raises(ValueError, match='does not end in'):
        read_place('/cvmfs/software.eessi.io/versions/2023.06')


def test_package_managers_are_told_apart(tmp_path):
    stack = FIXTURES / 'stack/versions/2025.06/compat/linux/x86_64'
    assert detect_package_manager(stack) == 'portage'
    assert detect_package_manager(FIXTURES / 'pilot/2021.06/compat/linux/ppc64le') == 'dpkg'
    assert detect_package_manager(tmp_path) == 'none'


def test_a_layer_that_lost_its_database_is_still_portage_s(tmp_path):
    (tmp_path / 'etc/portage').mkdir(parents=True)
    assert detect_package_manager(tmp_path) == 'portage'
    (tmp_path / 'var/lib/dpkg').mkdir(parents=True)
    (tmp_path / 'var/lib/dpkg/status').write_text('Package: bash\n')
    assert detect_package_manager(tmp_path) == 'portage'


def test_trusted_directories_are_whole_paths_in_every_release():
    old = '/cvmfs/software.eessi.io/versions/2023.06/compat/linux/x86_64'
    assert trusted_directories(old, '2023.06') == [
        '/cvmfs/software.eessi.io/host_injections/2023.06/compat/linux/x86_64/lib'
    ]
    new = '/cvmfs/software.eessi.io/versions/2025.06/compat/linux/x86_64'
    names = [f'{new}/lib/{name}' for name in ('override', 'nvidia', 'amd')]
    assert trusted_directories(new, '2025.06') == names


def test_gold_is_required_up_to_2023_06():
    assert 'ld.gold' in required(REQUIRED_TOOLS, '2023.06', 'portage')
    assert 'ld.gold' not in required(REQUIRED_TOOLS, '2025.06', 'portage')
    assert 'emerge' not in required(REQUIRED_TOOLS, '2023.06', 'dpkg')


def test_host_links_of_a_release():
    assert 'etc/hosts' not in required(HOST_LINKS, '2020.12', 'portage')
    assert len(required(HOST_LINKS, '2023.06', 'portage')) == 5


def test_a_dangling_link_counts_as_shipped(tmp_path):
    (tmp_path / 'usr/bin').mkdir(parents=True)
    (tmp_path / 'usr/bin/git').symlink_to('/nonexistent/git')
    assert 'git' in shipped_programs(tmp_path)
