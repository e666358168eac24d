import reframe as rfm

from eessi_library.gromacs import WaterBox


@rfm.simple_test
class SiteWater(WaterBox):
    valid_systems = ['example:login']
    valid_prog_environs = ['eessi']
    modules = ['GROMACS/2022.5-foss-2022b']
    num_tasks = 2
    boxes = (1, 1, 2)
    reference = {'example:login': {'speed': (20, -0.9, None, 'ns/day')}}
