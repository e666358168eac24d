"""Explained absences: software that need not be on side B, why, and until when."""

from __future__ import annotations

import datetime
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from eessi_validate.errors import UsageError


class Explained(BaseModel):
    """An exception: software that need not be on side B, why, and until when."""

    model_config = ConfigDict(extra='forbid', frozen=True)

    software: str
    #: Shell patterns.
    version: str = '*'
    cpu_target: str = '*'
    reason: str
    expires: datetime.date


def read_exceptions(path: Path) -> tuple[Explained, ...]:
    """Return the exceptions of a YAML list.

    :raises UsageError: if it cannot be read or an entry lacks software, reason or expires.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding='utf-8')) or []
        return tuple(Explained.model_validate(entry) for entry in content)
    except (OSError, yaml.YAMLError, ValidationError, TypeError) as error:
        raise UsageError(f'{path}: no list of exceptions: {error}') from error
