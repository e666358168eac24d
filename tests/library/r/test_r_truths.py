"""What R must print, on sessions recorded with R 4.2.2 and 4.5.0 and limma 3.54 and 3.62."""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path
from struct import pack, unpack

import pytest
from reframe.core.exceptions import SanityError

from eessi_library.r import algebra_truths, expression
from eessi_library.r import moderated_t as mt
from eessi_library.r import statistics as st
from eessi_library.r.output import OutputError, Said, assignments, parse_output

RECORDED = Path(__file__).with_name('recorded')
NONCES = {'2023.06': '00112233445566aa', '2025.08': 'ffeeddccbbaa9988'}


def text_of(name: str, release: str) -> str:
    return (RECORDED / f'{name}-{release}.txt').read_text(encoding='utf-8')


def with_wrong(text: str, name: str, factor: float) -> Said:
    """Return what was said with the largest number of one result multiplied."""
    lines = text.splitlines()
    (at,) = (i for i, line in enumerate(lines) if line.startswith(f'eessi-r: {name} = '))
    head, _, tail = lines[at].partition(' = ')
    words = tail.split()
    largest = max(range(len(words)), key=lambda i: abs(float(words[i])))
    words[largest] = repr(float(words[largest]) * factor)
    lines[at] = f'{head} = {" ".join(words)}'
    return parse_output('\n'.join(lines))


def without_ranges(text: str) -> str:
    """Return what is said where GenomicRanges is not installed."""
    ranges = ('merged start', 'merged end', 'overlaps', 'coverage')
    lines = (
        x for x in text.splitlines() if not x.startswith(tuple(f'eessi-r: {r} ' for r in ranges))
    )
    return '\n'.join(lines).replace('genomic ranges = present', 'genomic ranges = absent')


@pytest.mark.parametrize('release', NONCES)
def test_recorded_session_is_accepted(release: str) -> None:
    said = parse_output(text_of('linear_algebra', release))
    algebra_truths.judge(algebra_truths.make_task(NONCES[release], 64, 2), said)
    assert said.text('nonce') == NONCES[release]
    assert said.number('kernel threads') == 2
    assert all('OpenBLAS' in name for name in said.words('blas files'))


@pytest.mark.parametrize('release', NONCES)
def test_recorded_analysis_is_accepted(release: str) -> None:
    said = parse_output(text_of('limma', release))
    task = expression.make_task(NONCES[release], 40)
    expression.judge(task, said)
    assert max(expression.errors(task, said).values()) < 1e-12
    assert said.text('genomic ranges') == 'present'
    expression.judge(task, parse_output(without_ranges(text_of('limma', release))))


ALGEBRA = (
    'product', 'crossproduct', 'solve', 'qr solve', 'cholesky', 'eigenvalues', 'eigen product',
    'eigen identity', 'singular values', 'singular product', 'hilbert inverse', 'determinant',
    'pbinom', 'phyper', 'pbeta', 'pchisq', 'pt', 'pf', 'pnorm', 'qnorm', 'lm', 'fft', 'runif',
)  # fmt: skip


@pytest.mark.parametrize('name', ALGEBRA)
@pytest.mark.parametrize('factor', [1 + 1e-3, 1 + 1e-6])
def test_one_wrong_number_of_the_session_is_rejected(name: str, factor: float) -> None:
    said = with_wrong(text_of('linear_algebra', '2023.06'), name, factor)
    with pytest.raises(SanityError, match=name):
        algebra_truths.judge(algebra_truths.make_task(NONCES['2023.06'], 64, 2), said)


@pytest.mark.parametrize('name', ['solve', 'qr solve'])
def test_solution_in_single_precision_is_rejected(name: str) -> None:
    text = text_of('linear_algebra', '2023.06')
    (line,) = (x for x in text.splitlines() if x.startswith(f'eessi-r: {name} = '))
    words = line.partition(' = ')[2].split()
    single = [repr(unpack('f', pack('f', float(word)))[0]) for word in words]
    said = parse_output(text.replace(line, f'eessi-r: {name} = {" ".join(single)}'))
    with pytest.raises(SanityError, match=f'scaled error of {name}'):
        algebra_truths.judge(algebra_truths.make_task(NONCES['2023.06'], 64, 2), said)


ANALYSIS = (
    'round trip', 'subset', 'coefficients', 'intercepts', 'sigma', 'df prior', 's2 prior',
    's2 post', 'df total', 't', 'contrast t', 'p', 'adjusted p',
    'base df prior', 'base s2 prior', 'base s2 post', 'base t', 'base p', 'base adjusted p',
)  # fmt: skip


@pytest.mark.parametrize('name', ANALYSIS)
@pytest.mark.parametrize('factor', [1 + 1e-3, 1 + 1e-6])
def test_one_wrong_number_of_the_analysis_is_rejected(name: str, factor: float) -> None:
    said = with_wrong(text_of('limma', '2025.08'), name, factor)
    with pytest.raises(SanityError, match=name.replace('base', "base R's")):
        expression.judge(expression.make_task(NONCES['2025.08'], 40), said)


def test_limma_is_held_against_base_r_and_base_r_against_the_formula() -> None:
    task = expression.make_task(NONCES['2025.08'], 40)
    said = with_wrong(text_of('limma', '2025.08'), 'base t', 1 + 1e-3)
    wrong = {name for name, error in expression.errors(task, said).items() if error > 1e-6}
    assert wrong == {"base R's t", "limma's t", "limma's contrast t"}


@pytest.mark.parametrize('name', ['merged start', 'merged end', 'overlaps', 'coverage'])
def test_one_wrong_range_is_rejected(name: str) -> None:
    said = with_wrong(text_of('limma', '2025.08'), name, 2)
    with pytest.raises(SanityError, match=f'GenomicRanges: {name}'):
        expression.judge(expression.make_task(NONCES['2025.08'], 40), said)


def test_session_of_another_nonce_is_rejected() -> None:
    said = parse_output(text_of('linear_algebra', '2025.08'))
    with pytest.raises(SanityError):
        algebra_truths.judge(algebra_truths.make_task(NONCES['2023.06'], 64, 2), said)


def test_ties_may_be_ranked_in_any_order_and_nothing_else() -> None:
    rows = [
        [8.0, 9.0, 8.5, 12.5],
        [0.0, 64.0, 0.0, 64.0],
        [7.0, 7.5, 7.5, 7.0],
        [1.0, 1.015625, 9.0, 9.015625],
    ]
    fit = mt.fit_two_groups(rows, [0, 0, 1, 1])
    assert fit.p[1] == fit.p[2] == 1.0
    expression.judge_ranking(fit, ['gene4', 'gene1', 'gene2', 'gene3'])
    expression.judge_ranking(fit, ['gene4', 'gene1', 'gene3', 'gene2'])
    with pytest.raises(SanityError, match='ranks gene1 before gene4'):
        expression.judge_ranking(fit, ['gene1', 'gene4', 'gene2', 'gene3'])
    with pytest.raises(SanityError, match='every gene once'):
        expression.judge_ranking(fit, ['gene4', 'gene1', 'gene2'])


def test_genomic_ranges_are_counted_base_by_base() -> None:
    task = {'range_start': [1, 3, 10], 'range_width': [4, 2, 5]}
    lines = ['overlaps = 2 2 1', 'coverage = 9', 'merged start = 1 10', 'merged end = 4 14']
    expression.judge_ranges(task, parse_output('\n'.join(f'eessi-r: {x}' for x in lines)))
    with pytest.raises(SanityError, match='coverage'):
        expression.judge_ranges(
            task, parse_output('\n'.join(f'eessi-r: {x}' for x in lines).replace('= 9', '= 8'))
        )


def test_missing_result_is_named() -> None:
    with pytest.raises(OutputError, match="did not print 'solve'"):
        parse_output('eessi-r: nonce = 1\n').numbers('solve')
    with pytest.raises(OutputError, match='not numbers'):
        parse_output('eessi-r: solve = 1 abc\n').numbers('solve')
    assert math.isnan(parse_output('eessi-r: solve = NA\n').number('solve'))


def test_assignments_are_r_code_with_all_digits() -> None:
    code = assignments({'a': 'x', 'b': 0.1 + 0.2, 'c': [1, 2.5]})
    assert code == "a <- 'x'\nb <- 0.30000000000000004\nc <- c(1, 2.5)\n"


def test_random_numbers_of_r_are_reproduced() -> None:
    # R's documentation example: set.seed(42); runif(3)
    assert st.uniform(42, 3) == pytest.approx([0.9148060435, 0.9370754133, 0.2861395348])


def test_closed_forms_agree_with_tables() -> None:
    # Abramowitz and Stegun, tables 26.8 and 26.10 and 26.1: upper points.
    assert 1 - st.chi_square(9.48773, 2) == pytest.approx(0.05, abs=1e-6)
    assert st.student_even(2.776445, 2) == pytest.approx(0.975, abs=1e-6)
    assert st.f_two(4.10282, 10) == pytest.approx(0.95, abs=1e-6)
    assert st.normal(1.959964) == pytest.approx(0.975, abs=1e-7)
    assert st.binomial(1, 3, Fraction(1, 2)) == Fraction(1, 2)
    assert st.hypergeometric(0, 2, 2, 2) == Fraction(1, 6)
    assert st.hilbert_inverse(2) == [[4, -6], [-6, 12]]
    assert st.least_squares([[1, 1, 1], [0, 1, 2]], [1, 3, 5]) == [1, 2]


def test_special_functions_of_the_moderated_t() -> None:
    assert mt.digamma(1) == pytest.approx(-0.5772156649015329, rel=1e-14)
    assert mt.trigamma(1) == pytest.approx(math.pi**2 / 6, rel=1e-14)
    assert mt.trigamma_inverse(mt.trigamma(3.7)) == pytest.approx(3.7, rel=1e-13)
    for t in (0.1, 1.0, 2.5, 9.0):
        exact = 2 * (1 - st.student_even(t, 3))
        assert mt.student_two_sided(t, 6.0) == pytest.approx(exact, rel=1e-10)
    assert mt.student_two_sided(0.0, 5.0) == 1.0
    assert mt.adjusted([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.04, 0.04])
