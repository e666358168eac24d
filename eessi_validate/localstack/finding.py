"""One thing that is wrong with a local stack."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Finding:
    """What check failed, at which path, and what was seen."""

    check: str
    path: str
    message: str
