"""Presenters of one report model; they compute nothing."""

from __future__ import annotations

from pathlib import Path

from eessi_validate.report.atomic import write_atomically
from eessi_validate.report.html import render_html
from eessi_validate.report.json_form import json_schema, render_json
from eessi_validate.report.junit import render_junit
from eessi_validate.report.markdown import render_markdown
from eessi_validate.report.terminal import print_report, render_terminal
from eessi_validate.results.model import Report

__all__ = [
    'FORMS',
    'json_schema',
    'print_report',
    'render_html',
    'render_json',
    'render_junit',
    'render_markdown',
    'render_terminal',
    'write_all',
]

#: Name of each form, its file and its presenter; the model itself comes first.
FORMS = {
    'json': ('report.json', render_json),
    'html': ('report.html', render_html),
    'markdown': ('report.md', render_markdown),
    'junit': ('junit.xml', render_junit),
    'terminal': ('report.txt', render_terminal),
}


def write_all(report: Report, out: Path) -> dict[str, Path]:
    """Write every form into ``out``, each atomically; returns form name -> file."""
    return {
        name: write_atomically(out / file, render(report)) for name, (file, render) in FORMS.items()
    }
