"""What a fault is, and what the faults of one application share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from tampering import Tampering

#: The case that most faults are shown on: it runs on every machine with two cores.
WATER_BOX = ('--test', 'EESSI_GROMACS_WaterBox', '--scale', 'cores_2')


@dataclass(frozen=True)
class Fault:
    """One way in which a stack can be broken."""

    name: str
    apply: Callable[[Tampering], None]
    #: Regular expression that the reason of a failed case must match.
    reason: str
    arguments: tuple[str, ...] = WATER_BOX


@dataclass(frozen=True)
class Application:
    """Faults of an application, and the sound cases that must stay accepted."""

    name: str
    #: The stack that has it, see ``conftest.STACKS``.
    stack: Literal['minimal', 'full', 'python', 'spark']
    faults: tuple[Fault, ...]
    #: Arguments of ``eessi-validate run``, one tuple for each case.
    sound: tuple[tuple[str, ...], ...]
    #: Files and directories of the stage directory of the first sound case that a fault plays
    #: back; they are put into the directory :meth:`Tampering.recorded`.
    recorded: tuple[str, ...] = ()
    #: So many faults are always tried, the others in the time that CI has left.
    always: int = 8
