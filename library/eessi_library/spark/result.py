"""Reads ``result.json`` of the Spark test. Pure: text in, checked integers out."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any


class ResultError(ValueError):
    """The result lacks something that a finished run writes."""


@dataclass(frozen=True)
class Sums:
    """The integers of one pass; rows are sorted by their first number."""

    #: key, count, sum, least and greatest value of each group.
    groups: tuple[tuple[int, ...], ...]
    #: Count and weighted sum of the join.
    joined: tuple[int, ...]
    #: class, distinct keys and sum of each group of the SQL query.
    classes: tuple[tuple[int, ...], ...]
    #: last digit and sum of squares, by Python workers.
    squares: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Pass:
    """One pass over the data with a number of partitions."""

    partitions: int
    partitions_used: int
    seconds: float
    sums: Sums


@dataclass(frozen=True)
class Result:
    """Everything a run of the program writes."""

    nonce: str
    version: str
    master: str
    cores: int
    executors: int
    start_up: float
    passes: tuple[Pass, ...]


def _row(value: Any, name: str) -> tuple[int, ...]:
    if not isinstance(value, list) or not all(type(v) is int for v in value):
        raise ResultError(f'{name} holds {value!r}, which is not a row of integers')
    return tuple(value)


def _rows(values: Any, name: str) -> tuple[tuple[int, ...], ...]:
    return tuple(_row(value, name) for value in values)


def _pass(row: Any) -> Pass:
    return Pass(
        partitions=int(row['partitions']),
        partitions_used=int(row['partitions_used']),
        seconds=float(row['seconds']),
        sums=Sums(
            groups=_rows(row['groups'], 'groups'),
            joined=_row(row['joined'], 'joined'),
            classes=_rows(row['classes'], 'classes'),
            squares=_rows(row['squares'], 'squares'),
        ),
    )


def parse_result(text: str) -> Result:
    """Parse ``result.json``.

    :raises ResultError: if something is missing or not an integer where one belongs.
    """
    try:
        data = json.loads(text)
        return Result(
            nonce=str(data['nonce']),
            version=str(data['version']),
            master=str(data['master']),
            cores=int(data['cores']),
            executors=int(data['executors']),
            start_up=float(data['start_up']),
            passes=tuple(_pass(row) for row in data['passes']),
        )
    except ResultError:
        raise
    except KeyError as missing:
        raise ResultError(f'result.json has no {missing}') from missing
    except (ValueError, TypeError) as broken:
        raise ResultError(f'result.json cannot be read: {broken}') from broken
