"""MPI: real data through every kind of communication, every element checked."""

from eessi_library.mpi.communication import Communication, PythonCommunication
from eessi_library.mpi.osu import OsuAllreduce, OsuPointToPoint

__all__ = ['Communication', 'OsuAllreduce', 'OsuPointToPoint', 'PythonCommunication']
