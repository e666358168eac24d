"""Rows of stored runs for tests: one line names what matters, the rest is filled in."""

from __future__ import annotations

import datetime
from typing import Any

from eessi_validate.results.archive.schema import table_of

START = datetime.datetime(2026, 11, 1, 2, 0, tzinfo=datetime.timezone.utc)


def row(**given: Any) -> dict[str, Any]:
    """Return one row: a passing GROMACS case with a speed, unless ``given`` says otherwise."""
    day = given.pop('day', 0)
    fields = {
        'run_id': f'run-{day}',
        'recorded': START + datetime.timedelta(days=day, hours=1),
        'time': START + datetime.timedelta(days=day),
        'source': 'eessi-validate',
        'first': True,
        'repository': 'software.eessi.io',
        'release': '2023.06',
        'test': 'EESSI_GROMACS_WaterBox',
        'software': 'GROMACS',
        'version': '2024.1',
        'toolchain': 'foss-2023b',
        'cpu_target': 'x86_64/amd/zen2',
        'scale': '1_node',
        'repetition': 0,
        'kind': 'performance',
        'outcome': 'pass',
        'evidence': 'native',
        'metric': 'speed',
        'value': 100.0,
        'unit': 'ns/day',
        'direction': 'higher',
        'system': 'site',
        'partition': 'cpu',
        'cpu_model': 'AMD EPYC 7742',
        'hostname': 'login1',
        'user': 'alice',
        'nodes': 'node17',
    }
    return {**fields, **given}


def table(*rows: dict[str, Any]) -> Any:
    """Return the rows as a table of the store."""
    return table_of(rows)


def publish(archive: Any, *rows: dict[str, Any], raw: bytes = b'') -> str:
    """Store one run."""
    content = raw or repr(rows).encode()
    return archive.publish(table(*rows), {'report.json': content}, rows[0]['recorded'])
