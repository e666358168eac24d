"""TensorFlow on an EESSI-style stack."""

import reframe as rfm

from eessi_implementations.cases import planned_cases
from eessi_implementations.mixin import NODE, EESSIImplementation
from eessi_library.tensorflow import Training


@rfm.simple_test
class EESSI_TensorFlow_Training(Training, EESSIImplementation):
    covers = 'TensorFlow'
    case = planned_cases(__qualname__, covers)
    compute_unit = NODE

    def memory_per_task(self):
        return '2G'
