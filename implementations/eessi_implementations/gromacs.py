"""GROMACS on an EESSI-style stack."""

import reframe as rfm

from eessi_implementations.cases import planned_cases
from eessi_implementations.mixin import CPU_CORE, EESSIImplementation, OnGPUs
from eessi_library.gromacs import WaterBox


@rfm.simple_test
class EESSI_GROMACS_WaterBox(WaterBox, EESSIImplementation):
    covers = 'GROMACS'
    case = planned_cases(__qualname__, covers)
    compute_unit = CPU_CORE

    def memory_per_task(self):
        return '1G'


@rfm.simple_test
class EESSI_GROMACS_WaterBox_GPU(OnGPUs, EESSI_GROMACS_WaterBox):
    case = planned_cases(__qualname__, 'GROMACS')
    offload = 'gpu'
    boxes = (4, 4, 2)

    def memory_per_task(self):
        return '4G'
