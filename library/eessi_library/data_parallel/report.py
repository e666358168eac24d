"""Reads what the worker programs write on each rank. Pure: text in, checked values out."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import Any

from eessi_library.mpi.report import Record, ReportError


@dataclass(frozen=True)
class WorkerReport:
    """The file of one rank."""

    nonce: str
    rank: int
    ranks: int
    #: Same for ranks that share a node.
    node: str
    #: Versions of framework and, where there is one, of the layer that communicates.
    version: str
    #: Kinds of devices on which gradients and weights lie.
    devices: tuple[str, ...]
    #: What carries the data between ranks, e.g. ``MPI``.
    transport: str
    operations: dict[str, Record] = field(hash=False)
    #: Gradient of the first step on this rank's samples, and averaged over the ranks.
    local_gradient: tuple[float, ...]
    gradient: tuple[float, ...]
    #: Weights after the last step.
    weights: tuple[float, ...]
    #: ``start_up_s``, ``step_ms`` and ``allreduce_mb_per_s``.
    timings: dict[str, float] = field(hash=False)


def _numbers(values: Any, name: str) -> tuple[float, ...]:
    if not isinstance(values, list) or any(type(v) not in (int, float) for v in values):
        raise ReportError(f'{name} holds something else than numbers')
    if not all(map(math.isfinite, values)):
        raise ReportError(f'{name} holds a number that is not finite')
    return tuple(map(float, values))


def parse_report(text: str) -> WorkerReport:
    """Parse ``ranks/<rank>.json``.

    :raises ReportError: if something is missing, of another type, or not finite.
    """
    try:
        raw: dict[str, Any] = json.loads(text)
        timings = {name: float(value) for name, value in raw['timings'].items()}
        if not all(math.isfinite(value) and value > 0 for value in timings.values()):
            raise ReportError(f'a timing is not a positive number: {timings}')
        return WorkerReport(
            nonce=str(raw['nonce']),
            rank=int(raw['rank']),
            ranks=int(raw['ranks']),
            node=str(raw['node']),
            version=str(raw['version']),
            devices=tuple(map(str, raw['devices'])),
            transport=str(raw['transport']),
            operations={
                name: Record(
                    int(record['bytes']),
                    str(record['sha256']),
                    {int(index): value for index, value in record['elements'].items()},
                )
                for name, record in raw['operations'].items()
            },
            local_gradient=_numbers(raw['local_gradient'], 'local_gradient'),
            gradient=_numbers(raw['gradient'], 'gradient'),
            weights=_numbers(raw['weights'], 'weights'),
            timings=timings,
        )
    except ReportError:
        raise
    except KeyError as missing:
        raise ReportError(f'the report of a rank has no {missing}') from missing
    except (ValueError, TypeError, AttributeError) as broken:
        raise ReportError(f'the report of a rank cannot be read: {broken}') from broken
