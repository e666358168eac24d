"""FlexiBLAS on an EESSI-style stack, called by the compat layer's Python."""

import reframe as rfm

from eessi_implementations.cases import planned_cases
from eessi_implementations.mixin import NODE, EESSIImplementation
from eessi_library.linear_algebra import FlexiBLASLinearAlgebra


@rfm.simple_test
class EESSI_FlexiBLAS_DenseLinearAlgebra(FlexiBLASLinearAlgebra, EESSIImplementation):
    covers = 'FlexiBLAS'
    case = planned_cases(__qualname__, covers)
    # OpenBLAS is below it and all that calls BLAS above: a new build of either selects both.
    selects_dependents = True
    compute_unit = NODE
    executable = '$EESSI_EPREFIX/usr/bin/python3'
    library_root = '$EBROOTFLEXIBLAS'
    expects = {'library_version': 'software_version'}

    def memory_per_task(self):
        return '1G'
