"""Releases that are named after a day, such as LAMMPS' 2Aug2023_update2. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_MONTHS: Final = (
    *('jan', 'feb', 'mar', 'apr', 'may', 'jun'),
    *('jul', 'aug', 'sep', 'oct', 'nov', 'dec'),
)

_IN_WORDS: Final = re.compile(
    rf'(?<!\d)(?P<day>\d{{1,2}})[ ]?(?P<month>{"|".join(_MONTHS)})[a-z]*[ ]?'
    r'(?P<year>(?:19|20)\d\d)(?!\d)(?:[ _-]*update[ _-]?(?P<update>\d+))?',
    re.IGNORECASE,
)
_IN_NUMBERS: Final = re.compile(
    r'(?<![\d.])(?P<year>(?:19|20)\d\d)[.-](?P<month>0[1-9]|1[0-2])[.-](?P<day>[0-3]\d)(?![\d.])'
)


@dataclass(frozen=True, slots=True)
class Day:
    """The day of a release, and the number of its update; 0 for the release itself."""

    year: int
    month: int
    day: int
    update: int = 0

    def __str__(self) -> str:
        update = f' update {self.update}' if self.update else ''
        return f'{self.day} {_MONTHS[self.month - 1].title()} {self.year}{update}'


def days_in_words(text: str) -> list[Day]:
    """Return the days that a text names with their month in letters, e.g. ``4 Feb 2025``."""
    return [
        Day(
            int(match['year']),
            _MONTHS.index(match['month'].lower()) + 1,
            int(match['day']),
            int(match['update'] or 0),
        )
        for match in _IN_WORDS.finditer(text)
    ]


def day_of(version: str) -> Day | None:
    """Return the day that a version is: 23Jun2022, 2Aug2023_update2, 2025.02.04."""
    if match := _IN_NUMBERS.fullmatch(version):
        return Day(int(match['year']), int(match['month']), int(match['day']))
    found = _IN_WORDS.fullmatch(version) and days_in_words(version)
    return found[0] if found else None
