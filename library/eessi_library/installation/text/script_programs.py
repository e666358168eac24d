"""Programs and search paths that a script names by way of its language. Pure: text in, paths out.

What a shell starts by name is found by the rows ``shell-*`` of ``text_paths``. Here is what no
single pattern sees: a program in a variable (``CC=/usr/bin/gcc``, and ``exec "$CC"`` further down),
behind another one (``nice /usr/bin/gcc``), and the calls of csh, Perl and Python. A script that
only mentions a path, in a message or in a list that it goes through, starts nothing.

Not told are paths that the script itself looks for (``[ -x /usr/bin/gcc ]``): it does without where
there is none; and what users choose (``${PAGER:-/usr/bin/less}``). A variable that is given other
values as well may never have this one: ``certain`` is False.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from .script_languages import Language, compiled

#: Variables by which users choose a program (environ(7); POSIX.1-2017, chapter 8.3).
_OF_THE_USER: Final = frozenset(('PAGER', 'EDITOR', 'VISUAL', 'BROWSER', 'SHELL', 'MANPAGER'))

#: Variables whose values a value is made of, one of the other.
_DEEPEST: Final = 3

#: Characters of a script that are looked at: wrappers are short.
_MOST_TEXT: Final = 1 << 18

#: Values of one variable that are followed.
_MOST_VALUES: Final = 20


@dataclass(frozen=True, slots=True)
class Named:
    """A path that a script makes use of: ``certain`` unless other values are possible."""

    path: str
    certain: bool
    #: '' for what it says itself, else the variable.
    variable: str = ''


@dataclass(frozen=True, slots=True)
class _Value:
    """What a variable is given: what another one has, and a path; neither: something else."""

    of: str
    path: str


def named_programs(text: str, language: Language) -> Iterator[Named]:
    """Yield the programs that a script starts and the search paths that it sets, each once."""
    text = language.code_of(text[:_MOST_TEXT])
    text = compiled(language.comment).sub('', text).replace('\\\n', ' ')
    tested = {match['path'] for match in compiled(language.tests).finditer(text)}
    values = _values(text, language, tested)
    told: set[str] = set()
    for named in [*_started(text, language, values), *_searched(text, language)]:
        if named.path not in tested and named.path not in told:
            told.add(named.path)
            yield named


def _started(text: str, language: Language, values: dict[str, list[_Value]]) -> Iterator[Named]:
    known: dict[str, list[tuple[str, bool]]] = {}
    for match in compiled(language.starts).finditer(text):
        groups = match.groupdict()
        name = groups.get('name') or groups.get('inner') or ''
        path = groups['path'] or ''
        if not name:
            if path and groups.get('behind') != '':
                yield Named(path, True)  # else told by text_paths
        elif name not in _OF_THE_USER:
            if name not in known:
                known[name] = list(islice(_resolved(name, values, _DEEPEST), _MOST_VALUES))
            for top, certain in known[name]:
                yield Named(top + path, certain, name)
            if groups.get('default'):
                yield Named(groups['default'] + path, True, name)


def _searched(text: str, language: Language) -> Iterator[Named]:
    for match in compiled(language.searches).finditer(text):
        yield Named(match['path'], True)


def _values(text: str, language: Language, tested: set[str]) -> dict[str, list[_Value]]:
    found: dict[str, list[_Value]] = {}
    for match in compiled(language.assigns).finditer(text):
        groups = match.groupdict()
        name = groups['name'] or groups.get('own') or ''
        path, of = groups['path'] or '', groups['of'] or ''
        other = (groups['other'] or '').strip('"\'(); ')
        if not (path or of or other):
            continue  # emptied, to be set below
        if path.startswith(('/tmp', '/var/tmp')) and (other.startswith('$') or 'XXX' in path):
            path = ''  # a file that the script makes: /tmp/x.$$
        path = '' if path in tested else path
        # X=${X:-/path}: its own value, or this one
        value = _Value('' if of == name else of, path)
        those = found.setdefault(name, [])
        if value not in those and len(those) < _MOST_VALUES:
            those.append(value)
    return found


def _resolved(name: str, values: dict[str, list[_Value]], depth: int) -> Iterator[tuple[str, bool]]:
    """Yield the absolute paths that a variable may hold, and whether nothing else is possible."""
    those = values.get(name, ())
    for value in those:
        if not value.of:
            if value.path:
                yield value.path, len(those) == 1
        elif depth:
            for top, certain in _resolved(value.of, values, depth - 1):
                yield top + value.path, certain and len(those) == 1
