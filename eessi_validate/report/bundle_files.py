"""The forms of a bundle's report: JSON with its schema, Markdown and text."""

from __future__ import annotations

import json
from pathlib import Path

from eessi_validate.report.atomic import write_atomically
from eessi_validate.report.bundle_markdown import render_bundle_markdown
from eessi_validate.report.bundle_terminal import render_bundle_terminal
from eessi_validate.report.json_form import SCHEMA_DIRECTORY
from eessi_validate.results.bundle import BUNDLE_SCHEMA_VERSION, BundleReport

SCHEMA_FILE = SCHEMA_DIRECTORY / f'bundle-{BUNDLE_SCHEMA_VERSION}.schema.json'


def bundle_schema_text() -> str:
    """The JSON Schema (draft 2020-12) of ``bundle.json``, as it is shipped."""
    schema = BundleReport.model_json_schema()
    schema['$schema'] = 'https://json-schema.org/draft/2020-12/schema'
    schema['$id'] = f'urn:eessi-validate:bundle:{BUNDLE_SCHEMA_VERSION}'
    return json.dumps(schema, indent=2, sort_keys=True) + '\n'


def publish_bundle_schema() -> Path:
    """Write the shipped schema anew; do so, and raise the version, when the model changes."""
    return write_atomically(SCHEMA_FILE, bundle_schema_text())


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
