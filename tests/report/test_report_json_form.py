from __future__ import annotations

import json
import math

import jsonschema
import pytest
import report_factory as factory

from eessi_validate.errors import UsageError
from eessi_validate.report import json_schema, render_json, write_all
from eessi_validate.report.json_form import SCHEMA_FILE, schema_text
from eessi_validate.results.model import Metric, Report
from eessi_validate.results.report_file import read_json

REPORTS = [factory.accepted, factory.rejected, factory.held, lambda: factory.hostile(20)]


def with_metric(value: float) -> Report:
    metric = Metric(name='drift', value=value, unit='K', direction='truth', upper=math.inf)
    return factory.report_of((factory.passed(factory.case(), metrics=(metric,)),))


def test_the_shipped_schema_is_the_one_that_the_model_generates():
    assert SCHEMA_FILE.read_text(encoding='utf-8') == schema_text(), 'run publish_schema()'


def test_the_schema_is_itself_valid():
    jsonschema.Draft202012Validator.check_schema(json_schema())


@pytest.mark.parametrize('make', REPORTS)
def test_a_written_report_validates_and_reads_back_equal(make, tmp_path):
    report = make()
    path = write_all(report, tmp_path)['json']
    jsonschema.validate(json.loads(path.read_text(encoding='utf-8')), json_schema())
    assert read_json(path) == report


@pytest.mark.parametrize('value', [math.inf, -math.inf])
def test_infinities_validate_and_read_back_equal(value, tmp_path):
    path = write_all(with_metric(value), tmp_path)['json']
    jsonschema.validate(json.loads(path.read_text(encoding='utf-8')), json_schema())
    assert read_json(path) == with_metric(value)


def test_nan_reads_back_as_nan(tmp_path):
    path = write_all(with_metric(math.nan), tmp_path)['json']
    jsonschema.validate(json.loads(path.read_text(encoding='utf-8')), json_schema())
    back = read_json(path)
    assert math.isnan(back.run.results[0].metrics[0].value)
    assert render_json(back) == path.read_text(encoding='utf-8')


def test_equal_reports_give_equal_bytes_whatever_the_order_of_their_keys():
    report = factory.rejected()
    turned = dict(reversed(report.run.versions.items()))
    other = report.model_copy(update={'run': report.run.model_copy(update={'versions': turned})})
    assert render_json(other) == render_json(report)


@pytest.mark.parametrize(
    ('change', 'words'),
    [
        ({'schema_version': '2.0'}, "expected schema_version '1.0', found '2.0'"),
        ({'verdict': 'ACCEPT'}, 'not a valid report: verdict'),
    ],
)
def test_another_version_or_an_unknown_key_is_refused(change, words, tmp_path):
    content = json.loads(render_json(factory.accepted())) | change
    path = tmp_path / 'report.json'
    path.write_text(json.dumps(content), encoding='utf-8')
    with pytest.raises(UsageError, match=words):
        read_json(path)


@pytest.mark.parametrize('text', ['', '[]', '{"a"', '\ufeff{}', 'null'])
def test_what_is_not_a_report_is_a_usage_error(text, tmp_path):
    path = tmp_path / 'report.json'
    path.write_text(text, encoding='utf-8')
    with pytest.raises(UsageError):
        read_json(path)


def test_an_absent_file_is_a_usage_error(tmp_path):
    with pytest.raises(UsageError):
        read_json(tmp_path / 'nothing.json')
