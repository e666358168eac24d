"""The OSU Micro-Benchmarks on an EESSI-style stack."""

import reframe as rfm
from reframe.core.builtins import run_after, run_before

from eessi_implementations.cases import planned_cases
from eessi_implementations.mixin import CPU_CORE, EESSIImplementation
from eessi_library.mpi import OsuAllreduce, OsuPointToPoint


class OsuImplementation(EESSIImplementation):
    compute_unit = CPU_CORE
    default_scales = ('cores_2',)

    def memory_per_task(self):
        return '1G'

    @run_before('run')
    def expect_version_of_module(self):
        self.osu_version = self.software_version


@rfm.simple_test
class EESSI_OSU_PointToPoint(OsuPointToPoint, OsuImplementation):
    covers = 'OSU-Micro-Benchmarks'
    case = planned_cases(__qualname__, covers)

    @run_after('setup')
    def take_two_ranks_of_the_scale(self):
        several_nodes = self.num_tasks > self.num_tasks_per_node
        self.num_tasks, self.num_tasks_per_node = 2, 1 if several_nodes else 2


@rfm.simple_test
class EESSI_OSU_Allreduce(OsuAllreduce, OsuImplementation):
    covers = 'OSU-Micro-Benchmarks'
    case = planned_cases(__qualname__, covers)
