"""Locale and time zones of the compat layer."""

from __future__ import annotations

from typing import ClassVar

from eessi_library.compat_layer import zones
from eessi_library.compat_layer.compat_test import CompatLayerTest
from eessi_library.nonce import integer

_WORDS = ('apple', 'Banana', 'cherry', 'Äpfel', 'étude', 'Zebra', 'zoo', 'Ox', 'ñu', 'Eve')

#: Their order in English: letters first, then accents, then case (ISO 14651, as glibc has it).
_ENGLISH = ('Äpfel', 'apple', 'Banana', 'cherry', 'étude', 'Eve', 'ñu', 'Ox', 'Zebra', 'zoo')


class LocaleAndTime(CompatLayerTest, pin_prefix=True):
    """The locale en_US.utf8 exists and its rules hold; zones have the offsets that law sets."""

    group: ClassVar[str] = 'locale_time'
    varies = 'formatted numbers, sorted words, instants of time'
    truths: ClassVar[dict[str, str]] = {
        'sorting': 'ISO 14651 and, in the C locale, code points',
        'numbers': 'groups of three digits, as English writes them',
        'zones': 'laws, see eessi_library.compat_layer.zones',
    }

    @property
    def number(self) -> int:
        """Number of this run, seven digits."""
        return integer(self.nonce, 'locale number', 1_000_000, 9_999_999)

    @property
    def words(self) -> list[str]:
        """Words of this run, each followed by the run's number, in a drawn order."""
        order = {w: integer(self.nonce, f'locale {w}', 0, 999_999) for w in _WORDS}
        return [f'{w}{self.number}' for w in sorted(_WORDS, key=lambda w: (order[w], w))]

    @property
    def instants(self) -> list[tuple[str, int]]:
        """Zone and instant: for each zone one anywhere, and both sides of a change."""
        found = []
        for name, zone in zones.ZONES.items():
            year = integer(self.nonce, f'year {name}', zones.FIRST_YEAR, zones.LAST_YEAR)
            found.append((name, integer(self.nonce, name, 1_199_145_600, 1_735_689_599)))
            for change in zone.rule(year) if zone.rule else ():
                distance = integer(self.nonce, f'distance {name} {change}', 0, 3599)
                instant = int(change.timestamp())
                found += [(name, instant - 1 - distance), (name, instant + distance)]
        return found

    def script_locale(self) -> str:
        """All locales, and the character set of the one that matters."""
        return (
            f'PATH=$SESSION_PATH locale -a\nLC_ALL=en_US.utf8 locale charmap\necho {self.number}\n'
        )

    def judge_locale(self, out: str) -> None:
        """en_US.utf8 is listed on a line of its own, and its character set is UTF-8."""
        lines = out.splitlines()
        self.require('en_US.utf8' in lines[:-2], 'locale: `locale -a` does not list en_US.utf8')
        self.compare('locale: character set of en_US.utf8', lines[-2], 'UTF-8')
        self.compare('locale: nonce', lines[-1], str(self.number))

    def script_locale_rules(self) -> str:
        """Groups of digits, order of words, names of months and length of text."""
        words = ' '.join(self.words)
        return f"""\
printf '%s\\n' {words} >words.txt
export LC_ALL=en_US.utf8
"$(type -P printf)" "%'d\\n" {self.number}
"$(type -P printf)" '%.2f\\n' {self.number / 4}
printf %s '{self.words[0]}' | wc -m
sort words.txt
echo =
LC_ALL=C sort words.txt
"""

    def judge_locale_rules(self, out: str) -> None:
        """English rules in the one locale, code points in the other."""
        grouped, fraction, letters, *rest = out.splitlines()
        self.compare('locale_rules: grouped digits', grouped, f'{self.number:,}')
        self.compare('locale_rules: fraction', fraction, f'{self.number / 4:.2f}')
        self.compare('locale_rules: letters of UTF-8', letters, str(len(self.words[0])))
        english = [f'{word}{self.number}' for word in _ENGLISH]
        self.compare('locale_rules: English order', rest[: len(english)], english)
        points = sorted(self.words, key=str.encode)
        self.compare('locale_rules: order of code points', rest[len(english) + 1 :], points)

    def script_time_zone(self) -> str:
        """One instant in one zone after the other."""
        return ''.join(
            f"TZ={name} date -d @{instant} '+%Y-%m-%dT%H:%M:%S%z'\n"
            for name, instant in self.instants
        )

    def judge_time_zone(self, out: str) -> None:
        """The exact local time and offset."""
        lines = out.splitlines()
        self.compare('time_zone: lines', len(lines), len(self.instants))
        for (name, instant), found in zip(self.instants, lines, strict=True):
            right = zones.local_time(name, instant)
            self.compare(f'time_zone: {name} at @{instant}', found, right)
