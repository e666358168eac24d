"""GROMACS on an EESSI-style stack."""

import reframe as rfm

from eessi_implementations.cases import planned_cases
from eessi_implementations.mixin import CPU_CORE, GPU, GPU_BUILD, EESSIImplementation
from eessi_library.gromacs import WaterBox


@rfm.simple_test
class EESSI_GROMACS_WaterBox(WaterBox, EESSIImplementation):
    covers = 'GROMACS'
    case = planned_cases(__qualname__, covers)
    compute_unit = CPU_CORE

    def memory_per_task(self):
        return '1G'


@rfm.simple_test
class EESSI_GROMACS_WaterBox_GPU(WaterBox, EESSIImplementation):
    covers = 'GROMACS'
    case = planned_cases(__qualname__, covers)
    compute_unit = GPU
    needs = ('gpu',)
    builds = GPU_BUILD
    default_scales = ('nodes_1',)
    offload = 'gpu'
    boxes = (4, 4, 2)

    def memory_per_task(self):
        return '4G'
