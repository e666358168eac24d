"""LAMMPS: a Lennard-Jones melt with truths from mechanics and from the literature."""

from eessi_library.lammps.melt import LennardJonesMelt

__all__ = ['LennardJonesMelt']
