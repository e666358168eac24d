"""Reads field files of OpenFOAM in ASCII. Pure: text in, numbers out."""

from __future__ import annotations

import math
import re

_INTERNAL = re.compile(
    r'^internalField\s+nonuniform\s+List<(?P<kind>scalar|vector)>\s*(?P<count>\d+)\s*\(\s*$',
    re.MULTILINE,
)
_CLOSING_LINE = re.compile(r'^// \*{20,} //\s*\Z', re.MULTILINE)
_COMPONENTS = {'scalar': 1, 'vector': 3}


class FieldError(ValueError):
    """The file is not a complete field of finite numbers."""


def _require_whole(text: str) -> None:
    """Require the line of asterisks that OpenFOAM writes last, by which a cut file is known."""
    if not _CLOSING_LINE.search(text):
        raise FieldError('the file is cut short: its closing line is missing')


def internal_field(text: str) -> list[tuple[float, ...]]:
    """Return the values of the cells, or of the inner faces of a flux, in OpenFOAM's order.

    :raises FieldError: if values are missing, superfluous or not finite.
    """
    _require_whole(text)
    found = _INTERNAL.search(text)
    if not found:
        raise FieldError('there is no nonuniform internalField')
    end = text.find('\n)', found.end())
    if end < 0:
        raise FieldError('the internalField is cut short')
    words = text[found.end() : end].replace('(', ' ').replace(')', ' ').split()
    try:
        numbers = [float(word) for word in words]
    except ValueError as error:
        raise FieldError(f'the internalField holds something else than numbers: {error}') from error
    if not all(math.isfinite(number) for number in numbers):
        raise FieldError('the internalField holds a value that is not finite')
    size, count = _COMPONENTS[found['kind']], int(found['count'])
    if len(numbers) != size * count:
        raise FieldError(f'the internalField has {len(numbers)} numbers, not {size} x {count}')
    return list(zip(*[iter(numbers)] * size, strict=True))


def patch_vector(text: str, patch: str) -> tuple[float, ...]:
    """Return the uniform vector that a field has on a patch.

    :raises FieldError: if the patch has none, or the file is cut short.
    """
    _require_whole(text)
    boundary = text.partition('boundaryField')[2]
    pattern = rf'\b{patch}\s*\{{[^}}]*?\bvalue\s+uniform\s+\(([^)]*)\)'
    found = re.search(pattern, boundary)
    if not found:
        raise FieldError(f'patch {patch} has no uniform value')
    return tuple(float(word) for word in found[1].split())
