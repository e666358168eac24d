"""OpenFOAM: incompressible flow with truths from published solutions and conservation laws."""

from eessi_library.openfoam.lid_driven_cavity import LidDrivenCavity

__all__ = ['LidDrivenCavity']
