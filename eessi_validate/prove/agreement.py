"""Finds the numbers that sound runs of one nonce do not agree on: times, rates, noise. Pure.

Whether a number is a result or a measurement is not taken from what the test calls it: a test that
reads its energies as metrics would excuse itself. Repeating the run tells them apart.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence

from eessi_validate.prove.numbers import FACTOR, Token, masked, tokens

#: Runs agree on a number if it differs by no more than this part of it, a quarter of what it is
#: spoiled by: a result is then told from a spoiled one, a measurement is not.
AGREEMENT = (FACTOR - 1) / 4

_LINE = re.compile(rb'[^\n]+')

_Column = tuple[bytes, int]


def disagreements(text: bytes, others: Sequence[bytes]) -> frozenset[int]:
    """Return where the numbers and digests of ``text`` stand that the runs do not agree on.

    Numbers are compared with those at the same place of lines that are the same but for numbers. If
    another run has more or fewer such lines, nothing is known of these, and all count as agreed
    on. A column in which every other number differs, such as that of a table of times, is one of
    measurements as a whole: some of them are the same by chance.

    :arg text: what the sound run wrote.
    :arg others: what others with the same nonce wrote in its place.
    """
    if not others:
        return frozenset()
    found: set[int] = set()
    columns = [_columns(other) for other in others]
    for column, members in _columns(text).items():
        again = [each[column] for each in columns if len(each.get(column, ())) == len(members)]
        if len(again) < len(others):
            continue
        runs = list(zip(members, *again, strict=True))
        differing = [same[0].start for same in runs if _differ(same)]
        if 2 * len(differing) >= len(members):
            differing = [member.start for member in members]
        found.update(differing)
    return frozenset(found)


def _columns(text: bytes) -> dict[_Column, list[Token]]:
    """Return the numbers of a text by line without its numbers, and place in the line."""
    columns: dict[_Column, list[Token]] = defaultdict(list)
    found = iter(tokens(text))
    token = next(found, None)
    for line in _LINE.finditer(text):
        words, place, end = masked(line[0]), 0, line.start()
        while token is not None and token.start < line.end():
            place += masked(text[end : token.start]).count(b'#')
            columns[words, place].append(token)
            place, end = place + 1, token.end
            token = next(found, None)
    return columns


def _differ(same: Sequence[Token]) -> bool:
    """Say whether the runs give different values for one number or digest."""
    if len({token.text for token in same}) == 1:
        return False
    numbers = [token.value for token in same]
    if any(token.kind == 'digest' for token in same):
        return True
    return max(numbers) - min(numbers) > AGREEMENT * max(abs(number) for number in numbers)
