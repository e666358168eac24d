"""May the times of these runs be compared at all? A pure function over their provenance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

#: Differences that make any comparison of times meaningless.
REFUSING = (
    'cpu_model',
    'node_type',
    'tasks',
    'tasks_per_node',
    'cpus_per_task',
    'governor',
)

_NAMES = {
    'cpu_model': 'CPU model',
    'node_type': 'node type',
    'tasks': 'number of tasks',
    'tasks_per_node': 'tasks per node',
    'cpus_per_task': 'CPUs per task',
    'governor': 'frequency governor',
    'cpu_target': 'CPU target',
}


@dataclass(frozen=True)
class Provenance:
    """Where and how a result was measured; '' or None is "not recorded"."""

    cpu_model: str = ''
    node_type: str = ''
    tasks: int | None = None
    tasks_per_node: int | None = None
    cpus_per_task: int | None = None
    #: Frequency governor of the CPUs, e.g. ``performance``.
    governor: str = ''
    #: Differences in what follows are noted, not refused.
    cpu_target: str = ''
    hostname: str = ''
    kernel: str = ''
    microcode: str = ''
    driver: str = ''


@dataclass(frozen=True)
class Comparability:
    """Why times may not be compared, and what else differs."""

    refusals: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def allowed(self) -> bool:
        """Whether times may be compared."""
        return not self.refusals


def check_comparable(before: Sequence[Provenance], after: Sequence[Provenance]) -> Comparability:
    """Return what differs between all runs of both sides.

    Runs that differ among themselves on one side are refused too. What only some of the runs
    recorded is noted: it was not checked.
    """
    if not before or not after:
        side = 'after' if before else 'before'
        return Comparability((f'no run {side}',), ())
    refusals: list[str] = []
    notes: list[str] = []
    for field in fields(Provenance):
        sides = {'before': _values(before, field.name), 'after': _values(after, field.name)}
        known = {value for values in sides.values() for value in values} - {''}
        name = _NAMES.get(field.name, field.name)
        refusing = field.name in REFUSING
        if len(known) > 1:
            shown = '; '.join(f'{side}: {", ".join(sorted(v))}' for side, v in sides.items())
            (refusals if refusing else notes).append(f'{name} differs ({shown})')
        elif refusing and '' in sides['before'] | sides['after']:
            notes.append(f'{name} was not recorded everywhere, so it was not checked')
    return Comparability(tuple(refusals), tuple(notes))


def _values(runs: Sequence[Provenance], name: str) -> set[str]:
    found = (getattr(run, name) for run in runs)
    return {'' if value is None else str(value) for value in found}
