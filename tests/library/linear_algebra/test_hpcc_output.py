"""HPC Challenge's output: 1.5.0 recorded with two releases on two ranks, 1.4.2 as published."""

from __future__ import annotations

from pathlib import Path

import pytest

from eessi_library.linear_algebra import hpl_matrix
from eessi_library.linear_algebra.hpcc_output import OutputError, parse_output

RECORDED = Path(__file__).with_name('recorded')
ORDERS = {'2023.06': 96, '2025.08': 120}


def text_of(release: str) -> str:
    return (RECORDED / f'hpcc-{release}.txt').read_text(encoding='utf-8')


@pytest.mark.parametrize(('release', 'order'), ORDERS.items())
def test_output_is_read(release: str, order: int) -> None:
    output = parse_output(text_of(release))
    assert output.finished
    assert output.summary['Success'] == '1'
    assert output.number('HPL_N') == order
    assert output.number('CommWorldProcs') == 2
    ((residual, passed),) = output.hpl_residuals
    assert 0 < residual < 16
    assert passed
    assert 77 in {line.rows for line in output.transposes}
    assert {line.grid for line in output.transposes} == {(1, 2)}
    assert all(line.passed for line in output.transposes)
    assert output.dgemm_residuals
    assert output.random_access_errors == (0, 0, 0, 0)
    assert output.validated_streams >= 1
    assert not any(output.failed_nodes)


@pytest.mark.parametrize(('release', 'order'), ORDERS.items())
def test_norms_that_hpl_printed_are_those_of_its_generator(release: str, order: int) -> None:
    output, norms = parse_output(text_of(release)), hpl_matrix.norms(order, solve_up_to=200)
    assert output.number('HPL_Anorm1') == pytest.approx(norms.matrix_one, rel=1e-5)
    assert output.number('HPL_AnormI') == pytest.approx(norms.matrix_infinity, rel=1e-5)
    assert output.number('HPL_BnormI') == pytest.approx(norms.right_hand_side, rel=1e-5)
    assert output.number('HPL_XnormI') == pytest.approx(norms.solution, rel=1e-5)


def test_output_of_an_older_version_is_read() -> None:
    output = parse_output(text_of('1.4.2'))
    assert output.finished
    assert output.hpl_residuals == ((0.0049311, True),)
    assert {(line.rows, line.grid, line.passed) for line in output.transposes} == {
        (19776, (2, 2), True)
    }
    assert output.dgemm_residuals == (0.0055013,)
    assert output.random_access_errors == (0, 0, 0, 0)
    assert (output.validated_streams, output.failed_nodes) == (1, (0,) * 7)
    assert output.number('MPIFFT_maxErr') == 2.31089e-15


#: What 1.4.2 printed for N = 200 on one process, 14 February 2017: hpccoutf.txt of the repository
#: tuandinh91/UTSACloud. Nothing of ours had a part in it.
PUBLISHED = {
    'HPL_Anorm1': 55.3842,
    'HPL_AnormI': 54.5834,
    'HPL_BnormI': 0.49867,
    'HPL_XnormI': 26.178,
}


def test_norms_are_those_that_others_published() -> None:
    norms = hpl_matrix.norms(200, solve_up_to=200)
    ours = (norms.matrix_one, norms.matrix_infinity, norms.right_hand_side, norms.solution)
    assert ours == pytest.approx(tuple(PUBLISHED.values()), rel=1e-5)


def test_solution_is_left_out_above_the_given_order() -> None:
    assert hpl_matrix.norms(20, solve_up_to=10).solution is None


def test_elimination_solves_a_system() -> None:
    assert hpl_matrix.solve([[0.0, 2.0, 4.0], [3.0, 1.0, 5.0]]) == pytest.approx([1.0, 2.0])


def test_truncated_output_is_not_finished() -> None:
    text = text_of('2023.06')
    output = parse_output(text[: text.index('HPL_Tflops')])
    assert not output.finished
    with pytest.raises(OutputError, match='HPL_Tflops'):
        output.number('HPL_Tflops')


def test_failed_checks_are_seen() -> None:
    text = text_of('2025.08')
    assert not parse_output(text.replace('...... PASSED', '...... FAILED')).hpl_residuals[0][1]
    assert not parse_output(text.replace(' PASSED ', ' FAILED ')).transposes[0].passed
    wrong = text.replace('Found 0 errors', 'Found 7 errors')
    assert parse_output(wrong).random_access_errors == (7, 7, 7, 7)


def test_residual_that_is_not_a_number_is_an_error() -> None:
    with pytest.raises(OutputError):
        parse_output(text_of('2023.06').replace('Scaled residual: ', 'Scaled residual: x'))
