"""IPython on an EESSI-style stack."""

import reframe as rfm

from eessi_implementations.cases import planned_cases
from eessi_implementations.mixin import EESSIImplementation
from eessi_library.ipython import ScriptedSession


@rfm.simple_test
class EESSI_IPython_ScriptedSession(ScriptedSession, EESSIImplementation):
    covers = 'IPython'
    case = planned_cases(__qualname__, covers)
    default_scales = ('cores_1',)

    def memory_per_task(self):
        return '1G'
