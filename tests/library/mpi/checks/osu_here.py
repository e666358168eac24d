"""The tests by the OSU Micro-Benchmarks on two ranks, on whatever system ReFrame finds."""

import reframe as rfm

from eessi_library.mpi import OsuAllreduce, OsuPointToPoint


@rfm.simple_test
class PointToPoint_here(OsuPointToPoint):
    valid_systems = ['*']
    valid_prog_environs = ['*']
    time_limit = '5m'
    num_tasks = num_tasks_per_node = 2
    osu_version = '7.5'


@rfm.simple_test
class Allreduce_here(OsuAllreduce):
    valid_systems = ['*']
    valid_prog_environs = ['*']
    time_limit = '5m'
    num_tasks = num_tasks_per_node = 2
    osu_version = '7.5'
