"""Quantum ESPRESSO: silicon with truths from another program, symmetry and variation."""

from eessi_library.quantum_espresso.silicon import SiliconGroundState

__all__ = ['SiliconGroundState']
