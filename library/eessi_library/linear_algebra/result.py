"""What a program of this room writes: one JSON object. Pure."""

from __future__ import annotations

import json
from typing import Any


class ResultError(ValueError):
    """The program's result lacks something."""


def read_result(text: str) -> dict[str, Any]:
    """Return the result of the program.

    :raises ResultError: if it is not the JSON object that the program writes.
    """
    try:
        result = json.loads(text)
    except ValueError as error:
        raise ResultError(f'the result is not JSON: {error}') from error
    if not isinstance(result, dict):
        raise ResultError('the result is not a JSON object')
    return result
