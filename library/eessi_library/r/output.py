"""Numbers between a test and its R script: assignments in, ``eessi-r:`` lines out. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

#: R function that prints a named result with 17 digits, enough for every float64.
SAY = """\
say <- function(name, values) {
  if (is.numeric(values)) values <- sprintf('%.17g', as.numeric(values))
  cat('eessi-r: ', name, ' = ', paste(values, collapse = ' '), '\\n', sep = '')
}
"""

_LINE = re.compile(r'^eessi-r: (?P<name>[\w. ]+?) = ?(?P<values>.*)$', re.MULTILINE)


class OutputError(ValueError):
    """The output of the script lacks something."""


def assignments(values: Mapping[str, str | float | Sequence[float]]) -> str:
    """Return R code that assigns the values; floats keep all their digits."""
    lines = []
    for name, value in values.items():
        if isinstance(value, str):
            lines.append(f"{name} <- '{value}'")
        elif isinstance(value, int | float):
            lines.append(f'{name} <- {value!r}')
        else:
            lines.append(f'{name} <- c({", ".join(repr(v) for v in value)})')
    return '\n'.join(lines) + '\n'


class Said:
    """What the script said, by name."""

    def __init__(self, text: str) -> None:
        self._values = {f['name']: f['values'] for f in _LINE.finditer(text)}

    def text(self, name: str) -> str:
        """Return a result as text.

        :raises OutputError: if the script did not print it.
        """
        if name not in self._values:
            raise OutputError(f'the script did not print {name!r}')
        return self._values[name].strip()

    def words(self, name: str) -> list[str]:
        """Return a result as words."""
        return self.text(name).split()

    def numbers(self, name: str) -> list[float]:
        """Return a result as numbers; R's ``NA`` becomes NaN.

        :raises OutputError: if the script did not print it, or printed something else.
        """
        try:
            return [float(w) if w != 'NA' else float('nan') for w in self.words(name)]
        except ValueError as error:
            raise OutputError(f'{name!r} is not numbers: {error}') from error

    def number(self, name: str) -> float:
        """Return a result that is one number."""
        values = self.numbers(name)
        if len(values) != 1:
            raise OutputError(f'{name!r} is {len(values)} numbers, expected one')
        return values[0]


def parse_output(text: str) -> Said:
    """Return what the script said."""
    return Said(text)
