"""Exact offsets of a few time zones from the law that sets them, for 2008 to 2024. Pure.

Sources: Directive 2000/84/EC (European summer time, last Sundays of March and October at 01:00
UTC); Energy Policy Act of 2005, in force since 2007 (second Sunday of March, first Sunday of
November at 02:00 local time); Standard Time Act 1987 (New South Wales) as of 2008 (first Sundays
of October and April at 02:00 standard time). The others have had one offset throughout.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Final

FIRST_YEAR: Final = 2008
LAST_YEAR: Final = 2024

_SUNDAY: Final = 6


def _first_sunday(year: int, month: int) -> datetime:
    day = datetime(year, month, 1, tzinfo=timezone.utc)
    return day + timedelta(days=(_SUNDAY - day.weekday()) % 7)


def _last_sunday(year: int, month: int) -> datetime:
    """Return the last Sunday of a month of 31 days."""
    day = datetime(year, month, 31, tzinfo=timezone.utc)
    return day - timedelta(days=(day.weekday() - _SUNDAY) % 7)


def european(year: int) -> tuple[datetime, datetime]:
    """Return when summer time begins and ends, in UTC."""
    hour = timedelta(hours=1)
    return _last_sunday(year, 3) + hour, _last_sunday(year, 10) + hour


def american(standard: int) -> Callable[[int], tuple[datetime, datetime]]:
    """Return the rule of a zone whose standard offset is ``standard`` minutes."""

    def rule(year: int) -> tuple[datetime, datetime]:
        begin = _first_sunday(year, 3) + timedelta(days=7, hours=2, minutes=-standard)
        end = _first_sunday(year, 11) + timedelta(hours=1, minutes=-standard)
        return begin, end

    return rule


def sydney(year: int) -> tuple[datetime, datetime]:
    """Return when summer time begins and ends, in UTC; it ends before it begins in a year."""
    hour = timedelta(hours=2 - 10)
    return _first_sunday(year, 10) + hour, _first_sunday(year, 4) + hour


@dataclass(frozen=True)
class Zone:
    """Standard and summer offset in minutes east of Greenwich, and when summer time is."""

    standard: int
    summer: int = 0
    rule: Callable[[int], tuple[datetime, datetime]] | None = None


ZONES: Final[dict[str, Zone]] = {
    'UTC': Zone(0),
    'Europe/Brussels': Zone(60, 120, european),
    'Europe/London': Zone(0, 60, european),
    'Europe/Helsinki': Zone(120, 180, european),
    'America/New_York': Zone(-300, -240, american(-300)),
    'America/Los_Angeles': Zone(-480, -420, american(-480)),
    'America/Phoenix': Zone(-420),
    'Australia/Sydney': Zone(600, 660, sydney),
    'Asia/Kolkata': Zone(330),
    'Asia/Kathmandu': Zone(345),
    'Asia/Tokyo': Zone(540),
}


def offset_minutes(name: str, instant: int) -> int:
    """Return the offset of a zone at an instant in seconds since 1970, in minutes."""
    zone = ZONES[name]
    if zone.rule is None:
        return zone.standard
    moment = datetime.fromtimestamp(instant, timezone.utc)
    begin, end = zone.rule(moment.year)
    is_northern = begin < end
    summer = begin <= moment < end if is_northern else not end <= moment < begin
    return zone.summer if summer else zone.standard


def local_time(name: str, instant: int) -> str:
    """Return what ``date '+%Y-%m-%dT%H:%M:%S%z'`` must print in a zone at an instant."""
    offset = timezone(timedelta(minutes=offset_minutes(name, instant)))
    return datetime.fromtimestamp(instant, offset).strftime('%Y-%m-%dT%H:%M:%S%z')
