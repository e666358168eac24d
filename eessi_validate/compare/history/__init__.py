"""The series of a test over releases and dates: where it stepped, and what would confirm it."""

from __future__ import annotations

from eessi_validate.compare.history.find import History, SeriesHistory, Step, find_history
from eessi_validate.compare.history.present import render_json, render_terminal
from eessi_validate.compare.history.references import references_of

__all__ = [
    'History',
    'SeriesHistory',
    'Step',
    'find_history',
    'references_of',
    'render_json',
    'render_terminal',
]
