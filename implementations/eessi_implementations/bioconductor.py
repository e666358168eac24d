"""Bioconductor on an EESSI-style stack."""

import reframe as rfm

from eessi_implementations.cases import planned_cases
from eessi_implementations.mixin import EESSIImplementation
from eessi_library.r import ModeratedT


@rfm.simple_test
class EESSI_Bioconductor_Limma(ModeratedT, EESSIImplementation):
    covers = 'R-bundle-Bioconductor'
    case = planned_cases(__qualname__, covers)
    default_scales = ('cores_1',)

    def memory_per_task(self):
        return '1G'
