"""Whose fault a failure is: the stack's, a site's, the infrastructure's, or chance.

Decided from the results of one side on all its systems and CPU targets. One system alone cannot
tell a defect of the stack from its own.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from eessi_validate.compare.statistics import PassRate
from eessi_validate.compare.stored.cases import IDENTITY, Cases, case_name, outcome_codes
from eessi_validate.compare.stored.coded import Rows, group
from eessi_validate.compare.stored.model import Blame, Fault

#: Passes, failures, results that are no judgement.
_Tally = tuple[int, int, int]


def find_faults(cases: Cases, ignored: Sequence[str]) -> tuple[Blame, ...]:
    """Return the fault of each case of side B that failed or has no result somewhere."""
    rows = cases.chosen[cases.side[cases.chosen] == 1]
    if not len(rows):
        return ()
    frame = cases.rows.take(rows)
    codes = outcome_codes(frame)
    wanted = [n for n in IDENTITY if n not in ignored and n != 'cpu_target']
    groups = group(frame, wanted)
    troubled = np.unique(groups[(codes != 0) & (codes != 4)])
    tallies: dict[int, dict[tuple[str, str], _Tally]] = {}
    first: dict[int, int] = {}
    # Counted by place first: hundreds of sessions of one case are one line here.
    places = group(frame, ['system', 'cpu_target'])
    use = np.flatnonzero(np.isin(groups, troubled) & (codes != 4))
    keys = np.stack([groups[use], places[use], codes[use]], axis=1)
    found_keys, index, times = np.unique(keys, axis=0, return_index=True, return_counts=True)
    for (number, _, code), position, n in zip(
        found_keys.tolist(), index.tolist(), times.tolist(), strict=True
    ):
        row = int(use[position])
        mine = tallies.setdefault(number, {})
        first[number] = min(first.get(number, row), row)
        place = (frame.at('system', row), frame.at('cpu_target', row))
        passes, fails, none = mine.get(place, (0, 0, 0))
        mine[place] = (
            passes + n * (code in (0, 1)),
            fails + n * (code in (1, 2)),
            none + n * (code in (3, 5)),
        )
    sites = _sick_sites(frame, tallies, first)
    found = []
    for number, tally in tallies.items():
        fault, evidence = _judge(tally, sites)
        name = case_name(frame, first[number], (*ignored, 'cpu_target'))
        found.append(Blame(name, fault, evidence))
    order = list(Fault)
    return tuple(sorted(found, key=lambda b: (order.index(b.fault), b.case)))


def _judge(tally: dict[tuple[str, str], _Tally], sites: dict[str, set[str]]) -> tuple[Fault, str]:
    judged = {place: (p, f) for place, (p, f, _) in tally.items() if p + f}
    failing = {place for place, (p, f) in judged.items() if f and not p}
    mixed = {place: (p, f) for place, (p, f) in judged.items() if f and p}
    passing = {place for place, (p, f) in judged.items() if p and not f}
    if not failing and not mixed:
        none = {place: n for place, (_, _, n) in tally.items() if n}
        where = ', '.join(f'{n} on {_place(*place)}' for place, n in sorted(none.items()))
        return Fault.INFRASTRUCTURE, f'no judgement came back: {where}'
    if not failing:
        return Fault.FLAKINESS, '; '.join(_rate(place, c) for place, c in sorted(mixed.items()))
    systems = {system for system, _ in judged}
    bad_systems = {system for system, _ in failing}
    if len(systems) == 1:
        return _one_system(failing, passing)
    if not passing and not mixed:
        return Fault.STACK, f'fails on all {len(systems)} systems: {", ".join(sorted(systems))}'
    for target in sorted({target for _, target in failing}):
        here = {system for system, t in judged if t == target}
        if len(here) > 1 and all((system, target) in failing for system in here):
            elsewhere = sorted({t for _, t in passing} - {target})
            return (
                Fault.STACK,
                f'fails on all {len(here)} systems with {target}'
                + (f', passes with {", ".join(elsewhere)}' if elsewhere else ''),
            )
    if len(bad_systems) == 1:
        return _one_site(next(iter(bad_systems)), failing, passing, sites)
    shown = ', '.join(_place(*place) for place in sorted(failing))
    return Fault.UNDECIDED, f'fails on {shown}; passes elsewhere with the same targets'


def _one_system(failing: set[tuple[str, str]], passing: set[tuple[str, str]]) -> tuple[Fault, str]:
    system = next(iter(failing))[0]
    text = f'only {system or "one system"} has results: another system would tell'
    if passing:
        bad, good = ({t for _, t in part} for part in (failing, passing))
        text += f' (fails with {", ".join(sorted(bad))}, passes with {", ".join(sorted(good))})'
    return Fault.UNDECIDED, text


def _one_site(
    system: str,
    failing: set[tuple[str, str]],
    passing: set[tuple[str, str]],
    sites: dict[str, set[str]],
) -> tuple[Fault, str]:
    targets = {target for _, target in failing}
    same = sorted({s for s, target in passing if target in targets})
    if not same:
        return (
            Fault.UNDECIDED,
            f'fails on {system}, which alone has {", ".join(sorted(targets))}: '
            'its target or itself',
        )
    software = sites.get(system, set())
    text = f'fails on {system} only; passes with the same target on {", ".join(same)}'
    if len(software) > 1:
        names = ', '.join(sorted(software))
        return Fault.SITE, f'{text}; {len(software)} applications fail there only: {names}'
    return Fault.UNDECIDED, f'{text}; no other application fails there'


def _sick_sites(
    frame: Rows,
    tallies: dict[int, dict[tuple[str, str], _Tally]],
    first: dict[int, int],
) -> dict[str, set[str]]:
    """Return system -> software that fails there and passes with the same target elsewhere."""
    found: dict[str, set[str]] = {}
    for number, tally in tallies.items():
        failing = {place for place, (p, f, _) in tally.items() if f and not p}
        if len({system for system, _ in failing}) != 1:
            continue
        system = next(iter(failing))[0]
        targets = {target for _, target in failing}
        if any(p and s != system and t in targets for (s, t), (p, _, _) in tally.items()):
            found.setdefault(system, set()).add(frame.at('software', first[number]))
    return found


def _rate(place: tuple[str, str], counts: tuple[int, int]) -> str:
    rate = PassRate(counts[0], sum(counts))
    low, high = rate.interval
    return f'passes {rate.passed} of {rate.runs} ({low:.0%} to {high:.0%}) on {_place(*place)}'


def _place(system: str, target: str) -> str:
    return ' with '.join(filter(None, (system, target))) or 'an unnamed system'
