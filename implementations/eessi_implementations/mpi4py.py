"""mpi4py on an EESSI-style stack, over the MPI that its module brings."""

import reframe as rfm

from eessi_implementations.cases import planned_cases
from eessi_implementations.mixin import CPU_CORE, EESSIImplementation
from eessi_library.mpi import PythonCommunication


@rfm.simple_test
class EESSI_Mpi4py_Communication(PythonCommunication, EESSIImplementation):
    covers = 'mpi4py'
    case = planned_cases(__qualname__, covers)
    compute_unit = CPU_CORE
    mpi_prefix = '$EBROOTOPENMPI'
    asks_for_injected_mpi = True

    def memory_per_task(self):
        return '1G'
