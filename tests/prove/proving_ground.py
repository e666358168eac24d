"""A stack with one small program, and tests of it of different quality. Nothing in it is real."""

from __future__ import annotations

import platform
from pathlib import Path

INIT = """\
module() {{ case $1 in load|is-loaded) true;; esac; }}
export EESSI_VERSION=2023.06 EESSI_EPREFIX={release}/compat/linux/{family}
PATH={installation}/bin:$PATH
mpirun() {{ shift 2; "$@"; }}
"""

#: Multiplies the number in the input by that in its data file.
TOOL = """\
#!/bin/bash
factor=$(cat "$(dirname "$0")/../share/factor") || exit 5
awk -v f="$factor" '{{printf "energy %.6f\\n", $1 * f}}' "$1" > "$2"
echo "read $(cat "$1")"
echo "JOB DONE."
"""

#: Prints a rate, never the same twice, for sizes from the one given on; with -q no sizes.
METER = """\
#!/bin/bash
[ "$1" = -q ] && quiet=1 && shift
echo "rates from $1:"
for ((size = $1, row = 0; row < 8; size *= 2, row++)); do
    [ "$quiet" ] || echo -n "$size "
    echo "$((1 + RANDOM % 900)).$((100 + RANDOM % 900))"
done
"""

CHECK = """\
import reframe as rfm
from eessi_implementations.cases import planned_cases
from eessi_implementations.mixin import EESSIImplementation
from eessi_library.expect import expect, expect_close
from eessi_library.library_test import LibraryTest
from eessi_library.nonce import integer, real
from reframe.core.builtins import performance_function, run_before, sanity_function


class Multiplies(LibraryTest, pin_prefix=True):
    kind = 'functional'
    launched = False
    directions = {'energy': 'truth'}
    executable = 'tool'

    @property
    def seed(self):
        return real(self.nonce, 'seed', 1.0, 9.0, 4)

    @run_before('run')
    def write_input(self):
        self.write('input.txt', f'{self.seed:.4f}')
        self.executable_opts = ['input.txt', 'result.txt']

    @performance_function('1')
    def energy(self):
        return 1.0


class Weak(Multiplies, pin_prefix=True):
    @sanity_function
    def says_done(self):
        expect('JOB DONE' in self.read_output(str(self.stdout)), 'not done')
        return True


class Strong(Multiplies, pin_prefix=True):
    @sanity_function
    def is_right(self):
        self.expect_clean_end()
        words = self.require_output('result.txt').split()
        expect(len(words) == 2, f'result.txt has {len(words)} words')
        expect_close('energy', float(words[1]), self.seed * 3.25, 1e-5)
        return True


class EnergyAsMetric(Multiplies, pin_prefix=True):
    directions = {'energy': 'lower'}

    @sanity_function
    def came_to_its_end(self):
        self.expect_clean_end()
        expect(f'{self.seed:.4f}' in self.read_output(str(self.stdout)), 'not of this run')
        self.require_output('result.txt')
        return True

    @performance_function('eV')
    def energy(self):
        return float(self.require_output('result.txt').split()[1])


class Rates(LibraryTest, pin_prefix=True):
    kind = 'performance'
    launched = False
    directions = {'rate': 'higher'}
    executable = 'meter'
    options = ()

    @property
    def first(self):
        return integer(self.nonce, 'first', 100, 300)

    @run_before('run')
    def ask_for_rates(self):
        self.executable_opts = [*self.options, str(self.first), '> rates.txt']

    @property
    def rows(self):
        return [line.split() for line in self.require_output('rates.txt').splitlines()[1:]]

    @performance_function('MB/s')
    def rate(self):
        return float(self.rows[-1][1])


class RatesOfSizes(Rates, pin_prefix=True):
    @sanity_function
    def has_all_sizes(self):
        self.expect_clean_end()
        expect([int(row[0]) for row in self.rows] == [self.first * 2**n for n in range(8)], 'sizes')
        return True


class RatesOfAnything(Rates, pin_prefix=True):
    options = ('-q',)

    @property
    def rates(self):
        return [float(row[0]) for row in self.rows]

    @performance_function('MB/s')
    def rate(self):
        return self.rates[-1]

    @sanity_function
    def has_eight_rates(self):
        self.expect_clean_end()
        first = self.require_output('rates.txt').split()[2]
        expect(first == f'{self.first}:', f'rates from {first}, expected {self.first}')
        expect(len(self.rates) == 8, f'{len(self.rates)} rates')
        return True


class RatesThatCanBe(RatesOfAnything, pin_prefix=True):
    @sanity_function
    def has_possible_rates(self):
        expect(min(self.rates) > 0, f'a rate of {min(self.rates):g} MB/s')
        return self.has_eight_rates()


@rfm.simple_test
class SITE_Weak(Weak, EESSIImplementation):
    covers = 'Tool'
    case = planned_cases(__qualname__, covers)
    default_scales = ('cores_1',)


@rfm.simple_test
class SITE_Strong(Strong, EESSIImplementation):
    covers = 'Tool'
    case = planned_cases(__qualname__, covers)
    default_scales = ('cores_1',)


@rfm.simple_test
class SITE_EnergyAsMetric(EnergyAsMetric, EESSIImplementation):
    covers = 'Tool'
    case = planned_cases(__qualname__, covers)
    default_scales = ('cores_1',)


@rfm.simple_test
class SITE_RatesOfSizes(RatesOfSizes, EESSIImplementation):
    covers = 'Tool'
    case = planned_cases(__qualname__, covers)
    default_scales = ('cores_1',)


@rfm.simple_test
class SITE_RatesOfAnything(RatesOfAnything, EESSIImplementation):
    covers = 'Tool'
    case = planned_cases(__qualname__, covers)
    default_scales = ('cores_1',)


@rfm.simple_test
class SITE_RatesThatCanBe(RatesThatCanBe, EESSIImplementation):
    covers = 'Tool'
    case = planned_cases(__qualname__, covers)
    default_scales = ('cores_1',)
"""


def make_proving_ground(root: Path) -> Path:
    """Make the stack and return its root; the check file lies beside it as ``checks.py``."""
    family = platform.machine()
    release = root / 'versions' / '2023.06'
    target = release / 'software' / 'linux' / family / 'generic'
    installation = target / 'software' / 'Tool' / '1.0'
    for directory in (
        release / 'init', release / 'compat' / 'linux' / family, installation / 'bin',
        installation / 'share', target / 'modules' / 'all' / 'Tool',
    ):  # fmt: skip
        directory.mkdir(parents=True)
    init = INIT.format(release=release, family=family, installation=installation)
    (release / 'init' / 'bash').write_text(init)
    (installation / 'share' / 'factor').write_text('3.25\n')
    for name, text in (('tool', TOOL.replace('{{', '{').replace('}}', '}')), ('meter', METER)):
        program = installation / 'bin' / name
        program.write_text(text)
        program.chmod(0o755)
    module = target / 'modules' / 'all' / 'Tool' / '1.0.lua'
    module.write_text(f'local root = "{installation}"\n')
    (root.parent / 'checks.py').write_text(CHECK)
    return root


def state_of(root: Path) -> dict[str, tuple[int, int, bytes]]:
    """Return mode, time of change and content of everything below a directory."""
    return {
        str(path): (
            path.lstat().st_mode, path.lstat().st_mtime_ns,
            path.read_bytes() if path.is_file() else b'',
        )
        for path in sorted(root.rglob('*'))
    }  # fmt: skip
