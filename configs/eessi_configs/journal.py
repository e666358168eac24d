"""ReFrame configuration fragment, chained after any other: one JSON line for each finished case.

ReFrame writes its report when everything has ended. This journal is written as each case ends, so
that nothing is lost when the run is killed. It uses the documented ``httpjson`` handler with a
formatter that keeps the record itself and sends nothing: returning None tells ReFrame so. The
address is never contacted for data; port 9 is the discard service.
"""

import json
import logging
import os
from collections.abc import Mapping
from typing import Any

#: Environment variable that names the journal; without it this fragment does nothing.
JOURNAL_VARIABLE = 'EESSI_VALIDATE_JOURNAL'


def append(record: logging.LogRecord, extras: Any, ignore_keys: Any) -> None:
    """Append one record to the journal and hand nothing on."""
    fields = {
        key.removeprefix('check_'): value
        for key, value in vars(record).items()
        if key.startswith('check_')
    }
    line = json.dumps(fields, default=_plain, sort_keys=True) + '\n'
    descriptor = os.open(
        os.environ[JOURNAL_VARIABLE], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644
    )
    try:
        os.write(descriptor, line.encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else str(value)


def _configuration() -> dict[str, Any]:
    if JOURNAL_VARIABLE not in os.environ:
        return {}
    handler = {
        'type': 'httpjson',
        'url': 'http://127.0.0.1:9/',
        'level': 'info',
        'debug': True,
        'json_formatter': append,
    }
    console = {'type': 'stream', 'name': 'stdout', 'level': 'info', 'format': '%(message)s'}
    return {'logging': [{'level': 'info', 'handlers': [console], 'handlers_perflog': [handler]}]}


site_configuration = _configuration()
