"""Stored results of two sides: what changed, whose fault it is, and what deserves a measurement."""

from __future__ import annotations

from eessi_validate.compare.stored.compare import Options, compare_sides
from eessi_validate.compare.stored.model import StoredComparison
from eessi_validate.compare.stored.present import (
    render_html,
    render_json,
    render_markdown,
    render_terminal,
)
from eessi_validate.compare.stored.side import Side, read_side

__all__ = [
    'Options',
    'Side',
    'StoredComparison',
    'compare_sides',
    'read_side',
    'render_html',
    'render_json',
    'render_markdown',
    'render_terminal',
]
