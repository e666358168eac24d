"""``report.json``: the model itself, and the JSON Schema that describes it.

Numbers that JSON cannot hold are the strings ``NaN``, ``Infinity`` and ``-Infinity``.
"""

from __future__ import annotations

import json
import math
from enum import Enum
from pathlib import Path
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from eessi_validate.report.atomic import write_atomically
from eessi_validate.results.model import SCHEMA_VERSION, Report

SCHEMA_DIRECTORY = Path(__file__).parent / 'schema'
SCHEMA_FILE = SCHEMA_DIRECTORY / f'report-{SCHEMA_VERSION}.schema.json'


class _ReportSchema(GenerateJsonSchema):
    """Pydantic's generator, but true to how this project writes NaN and infinities."""

    def float_schema(self, schema: core_schema.FloatSchema) -> JsonSchemaValue:
        return {'anyOf': [super().float_schema(schema), {'enum': ['NaN', 'Infinity', '-Infinity']}]}


def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of ``report.json``, generated from the model."""
    schema = Report.model_json_schema(schema_generator=_ReportSchema)
    schema['$schema'] = 'https://json-schema.org/draft/2020-12/schema'
    schema['$id'] = f'urn:eessi-validate:report:{SCHEMA_VERSION}'
    schema['title'] = f'eessi-validate report {SCHEMA_VERSION}'
    schema['properties']['schema_version']['const'] = SCHEMA_VERSION
    return schema


def schema_text() -> str:
    """The schema as it is shipped."""
    return json.dumps(json_schema(), indent=2, sort_keys=True) + '\n'


def publish_schema() -> Path:
    """Write the shipped schema anew; do so, and raise the version, when the model changes."""
    return write_atomically(SCHEMA_FILE, schema_text())


def render_json(report: Report) -> str:
    """The report as ASCII JSON with sorted keys: equal reports give equal bytes."""
    plain = _plain(report.model_dump())
    return json.dumps(plain, indent=1, sort_keys=True, allow_nan=False) + '\n'


def _plain(value: Any) -> Any:
    match value:
        case Enum():
            return value.value
        case float() if not math.isfinite(value):
            return 'NaN' if math.isnan(value) else 'Infinity' if value > 0 else '-Infinity'
        case dict():
            return {key: _plain(part) for key, part in value.items()}
        case list() | tuple():
            return [_plain(part) for part in value]
        case _:
            return value
