"""The forms of a bundle's report: JSON, Markdown and text."""

from __future__ import annotations

import json
from pathlib import Path

from eessi_validate.report.atomic import write_atomically
from eessi_validate.report.bundle_markdown import render_bundle_markdown
from eessi_validate.report.bundle_terminal import render_bundle_terminal
from eessi_validate.results.bundle import BundleReport


def render_bundle_json(report: BundleReport) -> str:
    """The report as ASCII JSON with sorted keys: equal reports give equal bytes."""
    return json.dumps(report.model_dump(mode='json'), indent=1, sort_keys=True) + '\n'


_FORMS = {
    'bundle.json': render_bundle_json,
    'bundle.md': render_bundle_markdown,
    'bundle.txt': render_bundle_terminal,
}


def write_bundle(report: BundleReport, out: Path) -> None:
    """Write every form into ``out``, each atomically."""
    for name, render in _FORMS.items():
        write_atomically(out / name, render(report))
