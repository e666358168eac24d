"""The parser of the TensorFlow test, on recorded results of real runs."""

import json
from pathlib import Path

import pytest

from eessi_library.tensorflow.result import ResultError, parse_result

RECORDED = sorted((Path(__file__).parent / 'recorded').glob('*.json'))


@pytest.mark.parametrize('path', RECORDED, ids=lambda p: p.stem)
def test_a_recorded_run_is_read(path):
    result = parse_result(path.read_text())
    assert result.version in path.name
    assert result.threads == 2
    assert len(result.float64.matmul) == 64
    assert len(result.gradients.weights) == 32 * 5
    assert result.training.digest == result.training.digest_again
    assert result.training.loss[-1] < result.training.loss[0]


@pytest.mark.parametrize(
    ('change', 'said'),
    [
        (lambda d: d.pop('gradients'), "no 'gradients'"),
        (lambda d: d['float32'].pop('softmax'), "no 'softmax'"),
        (lambda d: d['float64'].update(matmul=[[float('nan')]]), 'holds nan'),
        (lambda d: d['float64'].update(matmul=[['1.0']]), 'not a number'),
        (lambda d: d['float64'].update(matmul=[[True]]), 'not a number'),
        (lambda d: d['training']['weights'][1].__setitem__(0, 5.0), 'digest'),
    ],
)
def test_what_is_wrong_is_named(change, said):
    data = json.loads(RECORDED[0].read_text())
    change(data)
    with pytest.raises(ResultError, match=said):
        parse_result(json.dumps(data))


@pytest.mark.parametrize('text', ['', '[]', '{', 'null'])
def test_what_is_no_result_is_refused(text):
    with pytest.raises(ResultError, match=r'cannot be read|has no'):
        parse_result(text)
