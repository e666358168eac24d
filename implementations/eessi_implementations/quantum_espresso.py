"""Quantum ESPRESSO on an EESSI-style stack."""

import reframe as rfm

from eessi_implementations.cases import planned_cases
from eessi_implementations.mixin import CPU_CORE, EESSIImplementation
from eessi_library.quantum_espresso import SiliconGroundState


@rfm.simple_test
class EESSI_QuantumESPRESSO_Silicon(SiliconGroundState, EESSIImplementation):
    covers = 'QuantumESPRESSO'
    case = planned_cases(__qualname__, covers)
    compute_unit = CPU_CORE

    def memory_per_task(self):
        return '1G'
