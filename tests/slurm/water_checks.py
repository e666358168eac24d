"""Check files' worth of water boxes: a small one, and one that is held up to be met running."""

import reframe as rfm
from reframe.core.builtins import run_before

from eessi_implementations.cases import planned_cases
from eessi_implementations.mixin import EESSIImplementation
from eessi_library.gromacs import WaterBox


@rfm.simple_test
class SmallWater(WaterBox, EESSIImplementation):
    covers = 'GROMACS'
    case = planned_cases(__qualname__, covers)
    boxes = (1, 1, 2)


@rfm.simple_test
class HeldWater(WaterBox, EESSIImplementation):
    covers = 'GROMACS'
    case = planned_cases(__qualname__, covers)

    @run_before('run')
    def hold_up(self):
        self.prerun_cmds = ['sleep 600', *self.prerun_cmds]
