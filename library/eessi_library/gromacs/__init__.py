"""GROMACS: molecular dynamics with truths from the physics of water."""

from eessi_library.gromacs.tpr_benchmark import TprBenchmark
from eessi_library.gromacs.water_box import WaterBox

__all__ = ['TprBenchmark', 'WaterBox']
