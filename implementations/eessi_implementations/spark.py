"""Spark on an EESSI-style stack: within one process, and as a cluster of its own."""

import reframe as rfm

from eessi_implementations.cases import planned_cases
from eessi_implementations.mixin import NODE, EESSIImplementation
from eessi_library.spark import Pipeline


@rfm.simple_test
class EESSI_Spark_Local(Pipeline, EESSIImplementation):
    covers = 'Spark'
    case = planned_cases(__qualname__, covers)
    compute_unit = NODE

    def memory_per_task(self):
        return '2G'


@rfm.simple_test
class EESSI_Spark_Standalone(Pipeline, EESSIImplementation):
    covers = 'Spark'
    case = planned_cases(__qualname__, covers)
    compute_unit = NODE
    cluster = 'standalone'

    def memory_per_task(self):
        return '5G'
