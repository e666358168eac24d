"""MPI on an EESSI-style stack: Open MPI, driven by the compat layer's Python."""

import reframe as rfm

from eessi_implementations.cases import planned_cases
from eessi_implementations.mixin import CPU_CORE, EESSIImplementation
from eessi_library.mpi import Communication


@rfm.simple_test
class EESSI_MPI_Communication(Communication, EESSIImplementation):
    covers = 'OpenMPI'
    case = planned_cases(__qualname__, covers)
    selects_dependents = True
    compute_unit = CPU_CORE
    default_scales = ('cores_2',)
    # The same C library as the stack's, whatever the host's is.
    executable = '"$EESSI_EPREFIX/usr/bin/python3"'
    mpi_prefix = '$EBROOTOPENMPI'
    asks_for_injected_mpi = True
    expects = {'mpi_version': 'software_version'}

    def memory_per_task(self):
        return '1G'
