"""The version that a program reports against that of its module. Pure: text in, findings out.

How it is decided, and why so:

* The program's own statement counts for more than a number elsewhere: ``GROMACS version 2024.4``
  is no 2024, though a year of the copyright is. Where there is none, any place will do.
* Same are 1.2 and 1.2.0, v2306 and 2306, and what builds and distributions append (12.2.0-14,
  2022.5-Debian, 23.10.0.5889): modules are named after releases, not after builds.
* A program that says *more* than its module (1.2.3 for 1.2) is wrong only where the software has
  releases of both. That is known of the programs in the table ``version_reporters``, whose modules
  carry whole versions (an error), unless the table says that modules name series (``Java/11``,
  ``OpenSSL/1.1``: nothing). Of others it is known where the installation's own records, such as
  its ``.pc`` file, say the same as the program (an error) or as the module (nothing). Else it
  cannot be decided: a warning.
* So it is with a release of another letter and with candidates of releases (1.1.1k, 1.2rc1).
* LAMMPS' releases are days: 2Aug2023_update2 is ``2 Aug 2023 - Update 2``, and no other day.
* A program that says *less* (5.4 for 5.4.6) is an error for those in the table; of others the
  field has too many, and it is a warning.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from ..model import Observation, Severity
from .agreement import Agreement, agreement, best, is_comparable
from .dates import Day, day_of, days_in_words

#: A version as it occurs in text: not the end of a longer number.
_TOKEN: Final = re.compile(r'(?<![0-9])(?<![0-9]\.)\d+(?:\.\d+)*[^\s,;:()\[\]"\'<>|]*')

#: Where a program speaks of itself. ``NAME`` stands for its name and that of its software.
_STATEMENT: Final = (
    r'^[^\n]*?\bversion:?[ \t]*["\'(]?[vV]?\.?(?P<one>\d[^\s,;:()\[\]"\'<>|]*)'
    r'|^[^\w\n]*(?:NAME)(?:\.x)?[ \t,:-]*(?:\([^()\n]*\)[ \t]*)?[vV]?\.?'
    r'(?P<two>\d[^\s,;:()\[\]"\'<>|]*)'
)

#: Lines that speak of versions of something else: of licences, formats, libraries.
_OF_ELSE: Final = re.compile(
    r'licen[cs]e|\bGPL|copyright|compatib|librar|format|require|built (?:with|using)', re.IGNORECASE
)


def version_of(module: str) -> str:
    """Return the version in a module name: what stands before the toolchain."""
    version = module.partition('/')[2]
    return re.split(r'-(?:GCC|GCCcore|foss|gompi|gfbf|iimpi|intel|system|llvm)', version)[0]


def judge_version(
    member: str,
    wanted: str,
    said: str,
    reporter: Mapping[str, Any],
    module: str = '',
    recorded: Iterable[str] = (),
) -> list[Observation]:
    """Return what is wrong with the version that a program reports; nothing when it is right.

    :arg said: all that the program answered.
    :arg reporter: its row of ``version_reporters``; empty for a program that may not be one.
    :arg module: name of the module: paths hold it, and prove nothing.
    :arg recorded: versions of the software by the installation's own records.
    """
    if module:
        said = said.replace(f'/{module}', '/...')
    accepted = [wanted, *other_names(reporter, wanted)]
    name = os.path.basename(member).lower()
    software = module.partition('/')[0].lower()
    stated = statement(said, (name, software), dotted='.' in wanted)
    anywhere = [match[0] for match in _TOKEN.finditer(said)]
    if _any_text(accepted if not is_comparable(wanted) else accepted[1:], said):
        return []
    day, said_days = day_of(wanted), days_in_words(said)
    if day in said_days:
        return []
    if day and said_days and not is_comparable(wanted):
        return _other_day(member, wanted, said_days[0], reporter)
    found, what = _agreement(wanted, [stated] if stated else anywhere)
    if found is Agreement.SAME or (found is Agreement.LONGER and reporter.get('series')):
        return []
    elsewhere = stated and best(agreement(wanted, each) for each in anywhere) is Agreement.SAME
    records = [each for each in recorded if what]
    of_module = Agreement.SAME in {agreement(wanted, each) for each in records}
    if not reporter and of_module and found is not Agreement.DIFFERENT:
        return []
    of_program = Agreement.SAME in {agreement(what, each) for each in records}
    line = next((line for line in said.splitlines() if what and what in line), '').lower()
    names_itself = (bool(name) and name in line) or 'version' in line
    certain = (
        bool(reporter)
        or (found is not Agreement.SHORTER and of_program)
        or (found is Agreement.DIFFERENT and names_itself and not elsewhere)
    )
    severity = Severity.ERROR if certain else Severity.WARNING
    what = what or 'no version'
    reason = f'reports {what}, its module says {wanted}{_why(found, severity)}'
    return [Observation('version/differs', severity, member, what, reason)]


def _other_day(
    member: str, wanted: str, said: Day, reporter: Mapping[str, Any]
) -> list[Observation]:
    severity = Severity.ERROR if reporter else Severity.WARNING
    reason = f'reports {said}, its module says {wanted}'
    return [Observation('version/differs', severity, member, str(said), reason)]


def statement(said: str, names: tuple[str, ...], *, dotted: bool) -> str:
    """Return the version that a program states as its own, '' where none is to be seen.

    :arg dotted: a single number is none: "This is perl 5, version 36, subversion 1 (v5.36.1)".
    """
    own = '|'.join(re.escape(name) for name in names if name) or r'(?!)'
    pattern = re.compile(_STATEMENT.replace('NAME', own), re.IGNORECASE | re.MULTILINE)
    for match in pattern.finditer(said):
        text: str = (match['one'] or match['two']).rstrip('.')
        if _OF_ELSE.search(match[0]) or (dotted and '.' not in text):
            continue
        return text
    return ''


def _agreement(wanted: str, found: list[str]) -> tuple[Agreement, str]:
    """Return what the nearest of some versions is to the module's, and which one that is."""
    each = [(agreement(wanted, text), text.rstrip('.')) for text in found]
    nearest = best(one for one, _ in each)
    dotted = [text for _, text in each if '.' in text]
    if nearest is Agreement.DIFFERENT:
        return nearest, dotted[0] if dotted else ''
    return nearest, next(text for one, text in each if one is nearest)


def _why(found: Agreement, severity: Severity) -> str:
    if severity is Severity.ERROR or found is Agreement.DIFFERENT:
        return ''
    return ': whether that is the same release cannot be told from here'


def _any_text(accepted: Iterable[str], said: str) -> bool:
    return any(
        re.search(rf'(?<![0-9])(?<![0-9]\.){re.escape(text)}(?![0-9])', said) for text in accepted
    )


def other_names(reporter: Mapping[str, Any], wanted: str) -> list[str]:
    """Return what else a program calls its version: Java 8.402 says 1.8.0_402."""
    found: list[str] = list(reporter.get('also', {}).get(wanted, ()))
    for row in reporter.get('also_like', ()):
        match = re.fullmatch(row['pattern'], wanted)
        if match:
            found.append(match.expand(row['text']))
    return found
