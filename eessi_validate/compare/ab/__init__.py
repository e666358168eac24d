"""``eessi-validate ab``: interleaved runs of two sides on the machine at hand."""

from __future__ import annotations

from eessi_validate.compare.ab.present import render_json, render_markdown, render_terminal
from eessi_validate.compare.ab.session import Options, resume_ab, start_ab
from eessi_validate.compare.ab.sides import Side, parse_side, parse_variables

__all__ = [
    'Options',
    'Side',
    'parse_side',
    'parse_variables',
    'render_json',
    'render_markdown',
    'render_terminal',
    'resume_ab',
    'start_ab',
]
