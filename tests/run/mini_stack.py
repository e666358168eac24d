"""A fixture tree in EESSI layout with one pretended application, for tests of the driver itself.

Nothing in it is real software: it shows what the driver does with what ReFrame hands back.
"""

from __future__ import annotations

from pathlib import Path

INIT = """\
module() { case $1 in load|is-loaded) [ "$2" != Broken/1.0 ];; esac; }
mpirun() { shift 2; "$@"; }
export EESSI_VERSION=2023.06
"""

CHECK = """\
import reframe as rfm
from eessi_implementations.cases import planned_cases
from eessi_implementations.mixin import EESSIImplementation
from eessi_library.expect import expect
from eessi_library.library_test import LibraryTest
from reframe.core.builtins import performance_function, run_before, sanity_function


class ToolRun(LibraryTest, pin_prefix=True):
    kind = 'functional'
    directions = {{'answer': 'truth'}}
    executable = 'echo'

    @run_before('run')
    def say(self):
        self.executable_opts = [self.nonce, '42']
        {before_run}

    @sanity_function
    def answered(self):
        self.expect_clean_end()
        expect(self.nonce + ' 42' in self.read_output(str(self.stdout)), 'no answer')
        return True

    @performance_function('1')
    def {metric}(self):
        return 42.0


@rfm.simple_test
class {name}(ToolRun, EESSIImplementation):
    covers = 'Tool'
    case = planned_cases(__qualname__, covers)
    default_scales = ('cores_1',)
{more}
"""


def make_mini_stack(root: Path, *software: str, family: str = 'x86_64') -> Path:
    """Make the tree and return its root."""
    release = root / 'versions' / '2023.06'
    target = release / 'software' / 'linux' / family / 'generic'
    (release / 'init').mkdir(parents=True)
    (release / 'init' / 'bash').write_text(INIT)
    (release / 'compat' / 'linux' / family).mkdir(parents=True)
    for name in software or ('Tool',):
        installation = target / 'software' / name / '1.0'
        installation.mkdir(parents=True)
        (target / 'modules' / 'all' / name).mkdir(parents=True)
        text = f'local root = "{installation}"\n'
        (target / 'modules' / 'all' / name / '1.0.lua').write_text(text)
    return root


def write_check(
    path: Path,
    name: str = 'EESSI_Tool',
    *,
    before_run: str = 'pass',
    metric: str = 'answer',
    more: str = '    pass',
) -> Path:
    """Write a check file and return its path."""
    text = CHECK.format(name=name, before_run=before_run, metric=metric, more=more)
    path.write_text(text)
    return path
