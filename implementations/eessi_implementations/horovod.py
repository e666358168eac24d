"""Horovod on an EESSI-style stack."""

import reframe as rfm

from eessi_implementations.cases import planned_cases
from eessi_implementations.mixin import CPU_CORE, EESSIImplementation, OnGPUs
from eessi_library.horovod import DistributedTraining


@rfm.simple_test
class EESSI_Horovod_DistributedTraining(DistributedTraining, EESSIImplementation):
    covers = 'Horovod'
    case = planned_cases(__qualname__, covers)
    compute_unit = CPU_CORE

    def memory_per_task(self):
        return '2G'


@rfm.simple_test
class EESSI_Horovod_DistributedTraining_GPU(OnGPUs, EESSI_Horovod_DistributedTraining):
    case = planned_cases(__qualname__, 'Horovod')
    device = 'GPU'

    def memory_per_task(self):
        return '4G'
