"""The OSU Micro-Benchmarks on an EESSI-style stack, with messages in host memory or on GPUs."""

import reframe as rfm

from eessi_implementations.cases import planned_cases
from eessi_implementations.mixin import CPU_BUILD, CPU_CORE, EESSIImplementation, OnGPUs
from eessi_library.mpi import OsuAllreduce, OsuPointToPoint


class OsuImplementation(EESSIImplementation):
    compute_unit = CPU_CORE
    builds = CPU_BUILD
    default_scales = ('cores_2',)
    expects = {'osu_version': 'software_version', 'device': 'kind_of_gpu'}

    def memory_per_task(self):
        return '1G'


@rfm.simple_test
class EESSI_OSU_PointToPoint(OsuPointToPoint, OsuImplementation):
    covers = 'OSU-Micro-Benchmarks'
    case = planned_cases(__qualname__, covers)


@rfm.simple_test
class EESSI_OSU_PointToPoint_GPU(OnGPUs, EESSI_OSU_PointToPoint):
    case = planned_cases(__qualname__, 'OSU-Micro-Benchmarks')


@rfm.simple_test
class EESSI_OSU_Allreduce(OsuAllreduce, OsuImplementation):
    covers = 'OSU-Micro-Benchmarks'
    case = planned_cases(__qualname__, covers)


@rfm.simple_test
class EESSI_OSU_Allreduce_GPU(OnGPUs, EESSI_OSU_Allreduce):
    case = planned_cases(__qualname__, 'OSU-Micro-Benchmarks')
