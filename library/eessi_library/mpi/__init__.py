"""MPI: real data through every kind of communication, every element checked."""

from eessi_library.mpi.communication import Communication, PythonCommunication

__all__ = ['Communication', 'PythonCommunication']
