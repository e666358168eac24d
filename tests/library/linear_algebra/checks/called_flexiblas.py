"""The library test of FlexiBLAS, small, with two threads, on whatever system ReFrame finds."""

import reframe as rfm

from eessi_library.linear_algebra import FlexiBLASLinearAlgebra


@rfm.simple_test
class FlexiBLAS_here(FlexiBLASLinearAlgebra):
    valid_systems = ['*']
    valid_prog_environs = ['*']
    time_limit = '5m'
    num_cpus_per_task = 2
    order = 64
    repeats = 1
