"""The model is frozen, strict and survives being written and read."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from eessi_validate.results.model import CaseId, CaseResult, Evidence, Metric, Outcome, PlannedCase

words = st.text(max_size=20)
names = st.text(alphabet='abcXYZ019.-_/', min_size=1, max_size=12)
maybe = st.none() | st.floats(allow_nan=False)

ids = st.builds(
    CaseId, test=names, software=names, version=names, toolchain=names, cpu_target=names,
    scale=names,
)  # fmt: skip
cases = st.builds(
    PlannedCase, id=ids, module=names, partition=names, environ=names,
    kind=st.sampled_from(['functional', 'performance']), required_metrics=st.tuples(names),
    evidence=st.sampled_from(Evidence), reason=words, repetition=st.integers(0, 9),
)  # fmt: skip
metrics = st.builds(
    Metric, name=names, value=st.floats(allow_nan=False), unit=words,
    direction=st.sampled_from(['higher', 'lower', 'truth']), reference=maybe, lower=maybe,
    upper=maybe,
)  # fmt: skip
results = st.builds(
    CaseResult, case=cases, outcome=st.sampled_from(Outcome), reason=words,
    metrics=st.tuples(metrics), attempts=st.lists(st.sampled_from(Outcome)).map(tuple),
    evidence=st.sampled_from(Evidence), phase=words, seconds=maybe, nodes=st.tuples(names),
    exit_code=st.none() | st.integers(-255, 255), stdout_tail=words, stderr_tail=words,
    job_script=words, directory=words, command=words,
)  # fmt: skip


@given(results)
def test_result_reads_back_as_it_was_written(result: CaseResult) -> None:
    assert CaseResult.model_validate_json(result.model_dump_json()) == result


def test_value_that_is_no_number_reads_back_too() -> None:
    metric = Metric(name='x', value=math.nan, unit='s', direction='truth')
    assert math.isnan(Metric.model_validate_json(metric.model_dump_json()).value)


def _case(**changes: Any) -> PlannedCase:
    identity = CaseId(
        test='T', software='GROMACS', version='2024.1', toolchain='foss-2023b',
        cpu_target='x86_64/generic', scale='cores_1',
    )  # fmt: skip
    return PlannedCase(**{'id': identity, 'partition': 'p', 'kind': 'functional', **changes})


def test_key_names_software_target_scale_and_repetition() -> None:
    assert _case().key == 'GROMACS/2024.1-foss-2023b@x86_64/generic%cores_1'
    assert _case(repetition=2).key == 'GROMACS/2024.1-foss-2023b@x86_64/generic%cores_1#3'
    assert _case().full_key == f'T {_case().key}'


def test_identity_joins_across_releases_because_it_holds_no_partition_or_hash() -> None:
    assert _case().id == _case(partition='elsewhere', reason='other', module='m').id
    assert set(CaseId.model_fields) == {
        'test', 'software', 'version', 'toolchain', 'cpu_target', 'scale',
    }  # fmt: skip


def test_record_is_frozen() -> None:
    with pytest.raises(ValidationError):
        _case().partition = 'other'


def test_unknown_key_is_refused() -> None:
    with pytest.raises(ValidationError):
        _case(colour='red')


@pytest.mark.parametrize(
    ('outcome', 'attempts', 'flaky'),
    [
        ('pass', ('pass',), False),
        ('pass', ('fail', 'pass'), True),
        ('pass', ('error', 'pass'), True),
        ('fail', ('pass', 'fail'), False),
        ('pass', (), False),
    ],
)
def test_flaky_is_a_pass_after_a_failure(
    outcome: str, attempts: tuple[str, ...], flaky: bool
) -> None:
    result = CaseResult(
        case=_case(), outcome=Outcome(outcome), attempts=tuple(map(Outcome, attempts))
    )
    assert result.flaky is flaky


@pytest.mark.parametrize('earlier', [Outcome.ABORTED, Outcome.MISSING])
def test_attempt_that_was_stopped_does_not_make_a_pass_flaky(earlier: Outcome) -> None:
    result = CaseResult(case=_case(), outcome=Outcome.PASS, attempts=(earlier, Outcome.PASS))
    assert not result.flaky
