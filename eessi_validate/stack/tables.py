"""Reads the data tables that ship with the project."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import yaml


@cache
def read_table(name: str, key: str) -> tuple[Any, ...]:
    """Return the list under ``key`` of ``eessi_configs/<name>.yaml``."""
    text = files('eessi_configs').joinpath(f'{name}.yaml').read_text(encoding='utf-8')
    loader = getattr(yaml, 'CSafeLoader', yaml.SafeLoader)
    return tuple(yaml.load(text, Loader=loader)[key])
