"""Data-parallel training on several workers: what every rank must hold, for any framework."""

from eessi_library.data_parallel.data_parallel_test import DataParallelTest

__all__ = ['DataParallelTest']
