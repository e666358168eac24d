"""TensorFlow on an EESSI-style stack."""

import reframe as rfm

from eessi_implementations.cases import planned_cases
from eessi_implementations.mixin import CPU_CORE, NODE, EESSIImplementation, OnGPUs
from eessi_library.tensorflow import SeveralWorkers, Training


@rfm.simple_test
class EESSI_TensorFlow_Training(Training, EESSIImplementation):
    covers = 'TensorFlow'
    case = planned_cases(__qualname__, covers)
    compute_unit = NODE

    def memory_per_task(self):
        return '2G'


@rfm.simple_test
class EESSI_TensorFlow_TrainingOnGPU(OnGPUs, EESSI_TensorFlow_Training):
    case = planned_cases(__qualname__, 'TensorFlow')
    compute_unit = NODE
    device = 'GPU'
    num_gpus_per_node = 1


@rfm.simple_test
class EESSI_TensorFlow_SeveralWorkers(SeveralWorkers, EESSIImplementation):
    covers = 'TensorFlow'
    case = planned_cases(__qualname__, covers)
    compute_unit = CPU_CORE
    default_scales = ('cores_2',)

    def memory_per_task(self):
        return '2G'
