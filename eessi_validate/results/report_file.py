"""Reads ``report.json`` back into the model."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import ValidationError

from eessi_validate.errors import UsageError
from eessi_validate.results.model import SCHEMA_VERSION, Report


def read_json(path: Path) -> Report:
    """Read ``report.json`` back; raises ``UsageError`` for any other file or schema version."""
    try:
        content = json.loads(path.read_text(encoding='utf-8'))
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f'{path}: expected a report in JSON, found: {error}') from error
    version = content.get('schema_version') if isinstance(content, dict) else None
    if version != SCHEMA_VERSION:
        raise UsageError(
            f'{path}: expected schema_version {SCHEMA_VERSION!r}, found {version!r}: '
            'read it with the eessi-validate that wrote it'
        )
    try:
        return Report.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = '.'.join(map(str, first['loc']))
        raise UsageError(
            f'{path}: not a valid report: {place}: {first["msg"]} '
            f'({error.error_count()} in all); the schema is report-{SCHEMA_VERSION}.schema.json'
        ) from error
