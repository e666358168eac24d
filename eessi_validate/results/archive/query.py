"""What to read from a store: ``release=2023.06 target=x86_64/* since=30d``."""

from __future__ import annotations

import datetime
import fnmatch
import re
from dataclasses import dataclass

from eessi_validate.errors import UsageError, unknown_name

#: Key of a query -> column; values are shell patterns, alternatives are joined by commas.
KEYS = {
    'release': 'release',
    'target': 'cpu_target',
    'test': 'test',
    'software': 'software',
    'version': 'version',
    'toolchain': 'toolchain',
    'scale': 'scale',
    'system': 'system',
    'partition': 'partition',
    'repository': 'repository',
    'run': 'run_id',
    'source': 'source',
    'metric': 'metric',
    'outcome': 'outcome',
    'evidence': 'evidence',
}

_SPAN = re.compile(r'^(\d+)([hdw])$')
_HOURS = {'h': 1, 'd': 24, 'w': 24 * 7}


@dataclass(frozen=True)
class Query:
    """Patterns of columns, and a span of time in UTC (start included, end excluded)."""

    patterns: tuple[tuple[str, tuple[str, ...]], ...] = ()
    since: datetime.datetime | None = None
    until: datetime.datetime | None = None

    def wanted(self, column: str) -> tuple[str, ...]:
        """Return the patterns of a column; none means that everything is wanted."""
        return tuple(p for name, patterns in self.patterns if name == column for p in patterns)

    def matches(self, column: str, value: str) -> bool:
        """Return whether a value of a column is wanted."""
        return all(
            any(fnmatch.fnmatchcase(value, pattern) for pattern in patterns)
            for name, patterns in self.patterns
            if name == column
        )


def parse_query(text: str, now: datetime.datetime | None = None) -> Query:
    """Return the query; a word without ``=`` is a release.

    :raises UsageError: for an unknown key, an empty value or an unreadable time.
    """
    patterns: list[tuple[str, tuple[str, ...]]] = []
    times: dict[str, datetime.datetime] = {}
    for word in text.split():
        key, equals, value = word.partition('=')
        if not equals:
            key, value = 'release', word
        if key not in KEYS and key not in ('since', 'until'):
            raise unknown_name('key of a query', key, [*KEYS, 'since', 'until'])
        alternatives = tuple(part for part in value.split(',') if part)
        if not alternatives:
            raise UsageError(f'{word!r}: nothing after the equals sign')
        if key in KEYS:
            patterns.append((KEYS[key], alternatives))
        else:
            times[key] = _time(value, now or datetime.datetime.now(datetime.timezone.utc))
    return Query(tuple(patterns), times.get('since'), times.get('until'))


def _time(text: str, now: datetime.datetime) -> datetime.datetime:
    if span := _SPAN.match(text):
        return now - datetime.timedelta(hours=int(span[1]) * _HOURS[span[2]])
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f'{text!r} is no time: write a span such as 12h, 30d or 2w, or a date 2026-11-23'
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=datetime.timezone.utc)
