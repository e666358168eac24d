"""Is the version of an installed extension the one that its module names? By the rules of its
language: PEP 440, R's ``package_version`` and Perl's ``version``. Pure."""

from __future__ import annotations

import re
from enum import Enum
from typing import Final

from ..bundles.python_version import is_between_releases, is_no_version, release_of

#: A snapshot: 20180815, or a commit. Its package goes by another version, or by none.
_SNAPSHOT: Final = re.compile(r'(?:19|20)\d{6}|(?=[0-9a-f]*\d)[0-9a-f]{7,40}')


class Match(Enum):
    """What a declared version and an installed one are to each other."""

    SAME = 'same'
    #: The texts do not decide it: a snapshot, a package without version, between two releases.
    UNDECIDED = 'undecided'
    OTHER = 'other'


def match(language: str, declared: str, installed: str) -> Match:
    """Compare the version that a module names with that of the installed extension.

    :arg language: ``python``, ``R`` or ``perl``.
    """
    if not declared or declared == installed:
        return Match.SAME
    numbers = {'python': _python, 'R': _r, 'perl': _perl}[language]
    one, two = numbers(declared), numbers(installed)
    if one is not None and one == two:
        between = language == 'python' and is_between_releases(installed)
        return Match.UNDECIDED if between else Match.SAME
    nothing = not installed.strip('0.') or (language == 'python' and is_no_version(installed))
    if one is None or two is None or _SNAPSHOT.fullmatch(declared) or nothing:
        return Match.UNDECIDED
    return Match.OTHER


def _python(version: str) -> object:
    return release_of(version)


def _r(version: str) -> object:
    """Numbers of a version of R, whose separators are equal: 1.2-3 is 1.2.3 (?package_version)."""
    if not re.fullmatch(r'\d+(?:[.-]\d+)*', version):
        return None
    return tuple(int(number) for number in re.split('[.-]', version))


def _perl(version: str) -> object:
    """Numbers of a version of Perl: 1.2 is 1.200 is v1.200.0, 1.2.3 is v1.2.3 (version.pm)."""
    plain = version.lower().replace('_', '')
    if not re.fullmatch(r'v?\d+(?:\.\d+)*', plain):
        return None
    parts = plain.removeprefix('v').split('.')
    if not plain.startswith('v') and len(parts) <= 2:
        fraction = parts[1] if len(parts) == 2 else ''
        fraction += '0' * (-len(fraction) % 3)
        parts = [parts[0], *(fraction[n : n + 3] for n in range(0, len(fraction), 3))]
    numbers = [int(part) for part in parts]
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)
