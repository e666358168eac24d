"""The closed forms against adding up the rows, and the parser on recorded results."""

import json
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eessi_library.spark.closed_forms import Numbers
from eessi_library.spark.result import ResultError, Sums, parse_result

RECORDED = [
    p
    for p in sorted((Path(__file__).parent / 'recorded').glob('*.json'))
    if not p.name.endswith('.input.json')
]


def added_up(numbers: Numbers) -> Sums:
    """The same sums, row by row."""
    rows = [(i % numbers.groups, i + numbers.offset) for i in range(numbers.rows)]
    by_key = {k: [v for key, v in rows if key == k] for k in range(numbers.groups)}
    weights = dict(numbers.weights)
    joined = [(k, v) for k, v in rows if k in weights]
    classes = sorted({w % 7 for w in weights.values()})
    members = {c: [k for k, w in weights.items() if w % 7 == c] for c in classes}
    return Sums(
        groups=tuple((k, len(v), sum(v), min(v), max(v)) for k, v in by_key.items()),
        joined=(len(joined), sum(v * weights[k] for k, v in joined)),
        classes=tuple(
            (c, len(members[c]), sum(sum(by_key[k]) for k in members[c])) for c in classes
        ),
        squares=tuple(
            (d, sum(i * i for i in range(numbers.python_rows) if i % 10 == d)) for d in range(10)
        ),
    )


@given(
    rows=st.integers(50, 300),
    groups=st.integers(1, 40),
    offset=st.integers(-5, 1000),
    python_rows=st.integers(0, 200),
    data=st.data(),
)
def test_closed_forms_are_the_sums(rows, groups, offset, python_rows, data):
    keys = data.draw(st.lists(st.integers(0, groups - 1), unique=True))
    weights = [(key, data.draw(st.integers(1, 999))) for key in keys]
    numbers = Numbers(rows, groups, offset, weights, python_rows)
    assert numbers.sums() == added_up(numbers)


@pytest.mark.parametrize('path', RECORDED, ids=lambda p: p.stem)
def test_a_recorded_run_has_the_sums_of_its_input(path):
    task = json.loads(path.with_name(f'{path.stem}.input.json').read_text())
    numbers = Numbers(**{f.name: task[f.name] for f in fields(Numbers)})
    result = parse_result(path.read_text())
    assert result.version in path.name
    assert [p.partitions_used for p in result.passes] == task['partitions']
    assert all(p.sums == numbers.sums() for p in result.passes)


@pytest.mark.parametrize(
    ('change', 'said'),
    [
        (lambda d: d.pop('passes'), "no 'passes'"),
        (lambda d: d['passes'][0].update(joined=[1.5, 2]), 'not a row of integers'),
        (lambda d: d['passes'][0].update(groups=[[True, 1]]), 'not a row of integers'),
        (lambda d: d['passes'][1].pop('squares'), "no 'squares'"),
    ],
)
def test_what_is_wrong_is_named(change, said):
    data = json.loads(RECORDED[0].read_text())
    change(data)
    with pytest.raises(ResultError, match=said):
        parse_result(json.dumps(data))
