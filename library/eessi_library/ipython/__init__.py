"""IPython: a scripted session with exact answers, and a kernel where Jupyter is present."""

from eessi_library.ipython.scripted_session import ScriptedSession

__all__ = ['ScriptedSession']
