"""OpenBLAS on an EESSI-style stack, called by the compat layer's Python."""

import reframe as rfm

from eessi_implementations.cases import planned_cases
from eessi_implementations.mixin import NODE, EESSIImplementation
from eessi_library.linear_algebra import OpenBLASLinearAlgebra


@rfm.simple_test
class EESSI_OpenBLAS_DenseLinearAlgebra(OpenBLASLinearAlgebra, EESSIImplementation):
    covers = 'OpenBLAS'
    case = planned_cases(__qualname__, covers)
    selects_dependents = True
    compute_unit = NODE
    executable = '$EESSI_EPREFIX/usr/bin/python3'
    library_root = '$EBROOTOPENBLAS'

    def memory_per_task(self):
        return '1G'
