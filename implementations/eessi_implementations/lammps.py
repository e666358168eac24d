"""LAMMPS on an EESSI-style stack."""

import reframe as rfm

from eessi_implementations.cases import planned_cases
from eessi_implementations.mixin import CPU_BUILD, CPU_CORE, EESSIImplementation, OnGPUs
from eessi_library.lammps import LennardJonesMelt


@rfm.simple_test
class EESSI_LAMMPS_LennardJonesMelt(LennardJonesMelt, EESSIImplementation):
    covers = 'LAMMPS'
    case = planned_cases(__qualname__, covers)
    compute_unit = CPU_CORE
    builds = CPU_BUILD

    def memory_per_task(self):
        return '1G'


@rfm.simple_test
class EESSI_LAMMPS_LennardJonesMelt_GPU(OnGPUs, EESSI_LAMMPS_LennardJonesMelt):
    case = planned_cases(__qualname__, 'LAMMPS')
    suffix = 'kk'
    cells = 20

    def memory_per_task(self):
        return '4G'
