"""R on an EESSI-style stack."""

import reframe as rfm

from eessi_implementations.cases import planned_cases
from eessi_implementations.mixin import NODE, EESSIImplementation
from eessi_library.r import LinearAlgebraInR


@rfm.simple_test
class EESSI_R_LinearAlgebra(LinearAlgebraInR, EESSIImplementation):
    covers = 'R'
    case = planned_cases(__qualname__, covers)
    compute_unit = NODE
    blas_roots = ('EBROOTFLEXIBLAS', 'EBROOTOPENBLAS', 'EBROOTBLIS', 'EBROOTIMKL')

    def memory_per_task(self):
        return '1G'
