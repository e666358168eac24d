"""What is compared: two sides, and the cases that both of them have."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from eessi_validate.errors import UsageError
from eessi_validate.plan.planner import COMPAT_LAYER, DRIVER, NOWHERE
from eessi_validate.results.model import PlannedCase
from eessi_validate.run.prepare import Prepared, Request
from eessi_validate.stack.layout import open_stack

#: What ends the line of a case that has vanished.
ONLY_BEFORE = ': only before'


@dataclass(frozen=True)
class Side:
    """One side of the comparison."""

    #: As the user wrote it.
    label: str
    request: Request
    #: Variables of the tests that this side sets, e.g. ``{'steps': 1575}``.
    variables: tuple[tuple[str, Any], ...] = ()
    #: Words before every command of this side, which give it another view of the stack.
    prefix: tuple[str, ...] = ()
    #: Directory that these words lay over the stack, and that its user may change; '' if none.
    over: str = ''


def parse_side(text: str, common: Request, variables: Sequence[str] = ()) -> Side:
    """Return the side that ``text`` names.

    ``RELEASE`` is a release of the common stack; ``ROOT`` or ``ROOT@RELEASE`` is another stack;
    anything else is a module of the common stack.

    :raises UsageError: if it names nothing.
    """
    parsed = parse_variables(variables)
    if common.stack and text in open_stack(common.stack).release_names:
        return Side(text, replace(common, release=text), parsed)
    root, at, release = text.partition('@')
    if at or Path(root).expanduser().is_dir():
        stack = open_stack(root)
        if release:
            stack.release(release)
        request = replace(common, stack=str(stack.root), release=release or common.release)
        return Side(text, request, parsed)
    if not common.stack:
        raise UsageError(f'{text!r} is no stack: give a directory, or --stack ROOT for releases')
    if common.modules and '/' in text:
        raise UsageError(f'{text!r} is a module: leave --module out')
    return Side(text, replace(common, modules=(text,)), parsed)


def parse_variables(words: Sequence[str]) -> tuple[tuple[str, Any], ...]:
    """Return the variables that words such as ``steps=1575`` set.

    :raises UsageError: for a word of another form.
    """
    return tuple(_variable(word) for word in words)


def _variable(word: str) -> tuple[str, Any]:
    name, equals, value = word.partition('=')
    if not equals or not name.isidentifier():
        raise UsageError(f'{word!r} sets no variable: write NAME=VALUE')
    for kind in (int, float):
        try:
            return name, kind(value)
        except ValueError:
            continue
    return name, value


@dataclass(frozen=True)
class Match:
    """One case before and its counterpart after."""

    before: PlannedCase
    after: PlannedCase

    @property
    def name(self) -> str:
        """Printable identity; the versions are in it where they differ."""
        one, other = self.before.id, self.after.id
        versions = [f'{c.version}-{c.toolchain}'.rstrip('-') for c in (one, other)]
        version = ' -> '.join(dict.fromkeys(versions))
        return f'{one.test} {one.software}/{version} @{one.cpu_target} %{one.scale}'

    def cores(self, of_host: int) -> int:
        """Return how many cores one run takes; other scales than ``cores_N`` take the host."""
        kind, _, number = self.before.id.scale.partition('_')
        return int(number) if kind == 'cores' and number.isdigit() else of_host


@dataclass(frozen=True)
class Matched:
    """The cases of both sides, joined; nothing is left out silently."""

    matches: tuple[Match, ...]
    #: What is not compared, and why.
    left_out: tuple[str, ...]


def match_cases(before: Prepared, after: Prepared) -> Matched:
    """Join the cases of two plans by test, software, CPU target and scale.

    The version decides only where a side has several of one software. Cases that the driver
    decides itself, or that cannot run here, have no times.
    """
    sides = [_by_place(side.plan.cases) for side in (before, after)]
    matches, left_out = [], []
    for place in dict.fromkeys((*sides[0], *sides[1])):
        old, new = sides[0].get(place, []), sides[1].get(place, [])
        if len(old) == len(new) == 1:
            matches.append(Match(old[0], new[0]))
            continue
        versions = {(c.id.version, c.id.toolchain): c for c in new}
        for case in old:
            twin = versions.pop((case.id.version, case.id.toolchain), None)
            if twin is None:
                left_out.append(f'{case.id.key}{ONLY_BEFORE}')
            else:
                matches.append(Match(case, twin))
        left_out += [f'{case.id.key}: only after' for case in versions.values()]
    return Matched(tuple(matches), tuple(left_out))


def _by_place(cases: Sequence[PlannedCase]) -> dict[tuple[str, ...], list[PlannedCase]]:
    found: dict[tuple[str, ...], list[PlannedCase]] = defaultdict(list)
    for case in cases:
        if case.partition in (DRIVER, NOWHERE) or case.id.software == COMPAT_LAYER:
            continue
        found[case.id.test, case.id.software, case.id.cpu_target, case.id.scale].append(case)
    return found
