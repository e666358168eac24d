"""Checks that only Portage has, on a small stand-in: its database is real text, its tools are not.

A real Gentoo Prefix is not at hand here. Programs are bash scripts that answer as Portage does.
"""

from __future__ import annotations

import bz2
import shutil
from pathlib import Path

import pytest

STACK = Path(__file__).parent / 'fixtures/stack'

STARTPREFIX = """#!/bin/bash
echo "Entering Gentoo Prefix"
/usr/bin/env -i HOME="$HOME" PATH=/usr/bin:/bin /bin/bash
RET=$?
echo "Leaving Gentoo Prefix with exit status ${RET}"
exit ${RET}
"""

EMERGE = """#!/bin/bash
case $1 in
--version) echo "Portage VERSION (python 3.12.3-final-0, default/linux, gcc-13, glibc-2.41)" ;;
--list-sets) printf '%s\\n' system world SET ;;
--info) printf 'Repositories:\\n\\ngentoo\\n    location: COMPAT/var/db/repos/gentoo\\n'
    printf '    sync-type: SYNC\\n    sync-uri: https://github.com/gentoo/gentoo.git\\n\\n' ;;
esac
"""

EQUERY = """#!/bin/bash
if [ "$1" = --version ]; then echo "equery (0.6.9)"; exit; fi
case "$3" in
*/libc.so.6 | */"read me.txt") echo sys-libs/glibc-2.41-r6 ;;
*/bash) echo OWNER ;;
esac
"""

LOADER = """#!/bin/bash
case $1 in
--help) while read -r line; do echo "  $line"; done <COMPAT/ld_so_help.txt ;;
*) echo "     7:	find library=$LD_PRELOAD [0]; searching"
   echo "     7:	 search path=COMPAT/lib/override		(system search path)" ;;
esac
"""


@pytest.fixture
def layer(tmp_path):
    """A function that makes a compat layer, with some of its answers replaced."""

    def make(release: str = '2025.06', **changed: str) -> Path:
        root = tmp_path / 'stack'
        place = root / 'versions' / release / 'compat/linux/x86_64'
        shutil.copytree(STACK / 'versions/2025.06/compat/linux/x86_64', place, symlinks=True)
        words = {
            'COMPAT': str(place),
            'VERSION': '3.0.68',
            'SET': 'eessi-2025.06-linux-x86_64',
            'SYNC': 'git',
            'OWNER': 'app-shells/bash-5.2_p37',
            'TRUSTED': ':'.join(f'{place}/lib/{n}' for n in ('override', 'nvidia', 'amd')),
            'LISTED': '\n'.join(
                f'{place}/lib/{n} (system search path)' for n in ('override', 'nvidia', 'amd')
            ),
            **changed,
        }

        def write(name: str, text: str) -> None:
            for word, value in words.items():
                text = text.replace(word, value)
            file = place / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
            file.chmod(0o755)

        (place / 'bin').mkdir()
        (place / 'bin/bash').symlink_to('/bin/bash')
        write('startprefix', STARTPREFIX)
        write('usr/bin/emerge', EMERGE)
        write('usr/bin/equery', EQUERY)
        write('lib64/ld-linux-x86-64.so.2', LOADER)
        write('ld_so_help.txt', 'LISTED\n')
        record = f'EXTRA_EMAKE="user-defined-trusted-dirs={words["TRUSTED"]}"\n'
        write('etc/portage/env/sys-libs/glibc', record)
        environment = place / 'var/db/pkg/sys-libs/glibc-2.41-r6/environment.bz2'
        with bz2.open(environment, 'wt') as stream:
            stream.write(f'declare -x {record}')
        (place / 'lib/override').mkdir(parents=True)
        return place

    return make


def test_a_sound_setup_passes(layer, run_group):
    outcome = run_group('PortageSetup', layer())
    assert (outcome.result, outcome.reason) == ('pass', '')
    assert outcome.values['checks'] == 5


def test_a_release_without_package_sets_has_three_checks(layer, run_group):
    assert run_group('PortageSetup', layer('2026.06')).values['checks'] == 3


@pytest.mark.slow
@pytest.mark.parametrize(
    ('changed', 'sentence'),
    [
        ({'VERSION': '3.0.60'}, "emerge: version, as in the database: expected ['3.0.68']"),
        ({'SYNC': 'rsync'}, "git_sync: sync-type of the gentoo repository: expected 'git'"),
        ({'SET': 'eessi-2023.06-linux-x86_64'}, 'package_set: Portage does not know'),
    ],
)
def test_a_wrong_answer_is_caught(layer, run_group, changed, sentence):
    outcome = run_group('PortageSetup', layer(**changed))
    assert outcome.result == 'fail'
    assert sentence in outcome.reason


def test_an_empty_set_is_no_set(layer, run_group):
    place = layer()
    (place / 'etc/portage/sets/eessi-2025.06-linux-x86_64').write_text('# nothing yet\n')
    assert 'names no package' in run_group('PortageSetup', place).reason


def test_a_package_of_the_set_that_is_not_installed_is_named(layer, run_group):
    place = layer()
    (place / 'etc/portage/sets/eessi-2025.06-linux-x86_64').write_text('=sys-libs/glibc-2.41\n')
    assert '=sys-libs/glibc-2.41 of eessi' in run_group('PortageSetup', place).reason


def test_portage_that_is_not_there_is_named(layer, run_group):
    place = layer()
    (place / 'usr/bin/emerge').unlink()
    reason = run_group('PortageSetup', place).reason
    assert 'emerge: exit status 127: ' in reason
    assert 'emerge: command not found' in reason


def test_trusted_directories_that_are_searched_and_recorded_pass(layer, run_group):
    assert 'trusted_' not in run_group('Loader', layer()).reason


@pytest.mark.slow
@pytest.mark.parametrize(
    ('changed', 'sentence'),
    [
        # What upstream's check of 2023.06 accepts: one character a line.
        ({'LISTED': '\n'.join('/lib/override')}, 'trusted_directories: '),
        ({'LISTED': '/x/lib/override (system search path)'}, 'is not in the system search path'),
        # What upstream's check of 2025.06 accepts: a value of one character of the list.
        ({'TRUSTED': '/x'}, 'trusted_record: EXTRA_EMAKE of glibc-2.41-r6'),
    ],
)
def test_trusted_directories_that_are_not_there_are_caught(layer, run_group, changed, sentence):
    outcome = run_group('Loader', layer(**changed))
    assert outcome.result == 'fail'
    assert sentence in outcome.reason


def test_a_lost_env_file_is_caught(layer, run_group):
    place = layer()
    (place / 'etc/portage/env/sys-libs/glibc').unlink()
    assert 'etc/portage/env/sys-libs/glibc is missing' in run_group('Loader', place).reason
