"""Versions of modules, programs and extensions: which two are the same, and which may be. Pure.

A module may be named shorter than what a program says (``Java/11`` is an alias of whatever 11 is
installed), and a program may say less than its module (gnuplot: 5.4 for 5.4.6). So there is more
than same and different: one that begins with the other cannot be decided by the two texts alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Final

#: A number with four digits behind a whole version is a build number or a date of a patch, not a
#: release: Nextflow says 23.10.0.5889, ncurses 6.3.20211021.
_BUILD_NUMBER: Final = 1000

_VERSION: Final = re.compile(r'(?P<numbers>\d+(?:\.\d+)*)(?P<tail>.*)', re.DOTALL)

#: What makes a release that comes before the one with these numbers (PEP 440, GNU, Semantic
#: Versioning all have these words).
_PRERELEASE: Final = re.compile(
    r'[-_.~]?(?:alpha|beta|rc|pre|preview|dev|a(?=\d)|b(?=\d))[-_.]?\d*(?![A-Za-z])', re.IGNORECASE
)

#: One letter, perhaps with a number: OpenSSL 1.1.1k, tmux 3.3a, ntp 4.2.8p15 are releases.
_LETTER: Final = re.compile(r'[a-z]\d*(?![A-Za-z0-9])')

#: The version of a module that numbers can be compared with: 2306, v1912, 7.1.0-53, 3.3a, 1.2rc1.
_COMPARABLE: Final = re.compile(
    r'v?\d+(?:\.\d+)*(?:[-_.~]?(?:alpha|beta|rc|pre|dev|[a-z])?[-_.]?\d*)', re.IGNORECASE
)


class Agreement(Enum):
    """What two versions are to each other; ``best`` prefers those that come first."""

    SAME = 'same'
    #: The other one goes on where ours ends: 1.2.3 and ours is 1.2.
    LONGER = 'longer'
    #: Ours goes on where the other one ends: 1.2 and ours is 1.2.3.
    SHORTER = 'shorter'
    #: Another letter or a candidate of a release: 1.2rc1 and ours is 1.2.
    VARIANT = 'variant'
    DIFFERENT = 'different'


@dataclass(frozen=True, slots=True)
class Version:
    """Numbers of a version, and what follows them."""

    numbers: tuple[int, ...]
    tail: str

    @property
    def modifier(self) -> str:
        """What makes it another release than its numbers say; '' for builds and revisions."""
        found = _PRERELEASE.match(self.tail) or _LETTER.match(self.tail)
        return re.sub('[-_.~]', '', found[0]).lower() if found else ''


def parse(text: str) -> Version | None:
    """Return a version by its first number, None when it has none."""
    match = _VERSION.search(text)
    if match is None:
        return None
    return Version(tuple(int(n) for n in match['numbers'].split('.')), match['tail'])


def is_comparable(text: str) -> bool:
    """True for a version that is numbers, unlike 23Jun2022 or 2023b-update2."""
    return _COMPARABLE.fullmatch(text) is not None


def agreement(ours: str, other: str) -> Agreement:
    """Compare two versions by number: 1.2 is 1.2.0, v2306 is 2306, 6.00 is 6.0.

    What distributions and builds append does not count (12.2.0-14, 2022.5-Debian, 6.7MaX).
    """
    one, two = parse(ours), parse(other)
    if one is None or two is None:
        return Agreement.SAME if ours == other else Agreement.DIFFERENT
    length = max(len(one.numbers), len(two.numbers))
    if _padded(one.numbers, length) == _padded(two.numbers, length):
        if one.modifier == two.modifier:
            return _by_tail(one, two)
        return Agreement.VARIANT
    if two.numbers[: len(one.numbers)] == one.numbers:
        is_build = two.numbers[len(one.numbers)] >= _BUILD_NUMBER
        return Agreement.SAME if is_build else Agreement.LONGER
    if one.numbers[: len(two.numbers)] == two.numbers:
        return Agreement.SHORTER
    return Agreement.DIFFERENT


def best(found: Iterable[Agreement]) -> Agreement:
    """Return the nearest of several; DIFFERENT for none."""
    order = list(Agreement)
    return min(found, key=order.index, default=Agreement.DIFFERENT)


def _padded(numbers: tuple[int, ...], length: int) -> tuple[int, ...]:
    return numbers + (0,) * (length - len(numbers))


def _by_tail(one: Version, two: Version) -> Agreement:
    """Compare revisions, where ours has one: ImageMagick/7.1.0-53."""
    ours = re.match(r'-(\d+)\Z', one.tail)
    other = re.match(r'-(\d+)', two.tail)
    if ours is None or (other is not None and ours[1] == other[1]):
        return Agreement.SAME
    return Agreement.SHORTER if other is None else Agreement.DIFFERENT
