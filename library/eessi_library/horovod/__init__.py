"""Horovod: collectives with closed forms, and training on several ranks as on one."""

from eessi_library.horovod.distributed_training import DistributedTraining

__all__ = ['DistributedTraining']
