"""NumPy and SciPy on an EESSI-style stack."""

import reframe as rfm

from eessi_implementations.cases import planned_cases
from eessi_implementations.mixin import NODE, EESSIImplementation
from eessi_library.linear_algebra import NumpyAndScipy


@rfm.simple_test
class EESSI_SciPyBundle_NumpyAndScipy(NumpyAndScipy, EESSIImplementation):
    covers = 'SciPy-bundle'
    case = planned_cases(__qualname__, covers)
    compute_unit = NODE
    numpy_root = '$EBROOTSCIPYMINBUNDLE'

    def memory_per_task(self):
        return '2G'
