"""Expression data drawn from the nonce, and what Bioconductor must make of them. Pure."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

from eessi_library.expect import expect, expect_within
from eessi_library.linear_algebra.matrices import norm
from eessi_library.nonce import fraction, integer
from eessi_library.r.moderated_t import ModeratedFit, adjusted, fit_two_groups
from eessi_library.r.output import Said

#: Relative to the largest value of each kind. Group means and variances are good to 1e-14; the
#: hyperparameters amplify by the condition of trigamma's inverse, below 100; p-values by |t| df.
#: limma's own trigammaInverse stops at 1e-8 relative: Newton's steps converge quadratically, so
#: what remains is below 1e-14. Measured: below 1e-13.
TOLERANCE = 1e-10


def make_task(nonce: str, genes: int) -> dict[str, Any]:
    """Return the data: ``genes`` rows whose true standard deviations differ up to sixteenfold.

    Values are multiples of 1/64, exact in text and in floating point.
    """
    samples = 6 + 2 * integer(nonce, 'limma samples', 0, 2)
    group = [0] * (samples // 2) + [1] * (samples - samples // 2)
    expression = []
    for gene in range(genes):
        deviation = 2.0 ** (4 * fraction(nonce, f'limma deviation {gene}') - 2)
        shift = 3.0 if gene % 10 == 0 else 0.0
        for sample in range(samples):
            draws = (fraction(nonce, f'limma {gene} {sample} {i}') for i in range(6))
            normal = (sum(draws) - 3) * math.sqrt(2)
            value = 8 + deviation * normal + shift * group[sample]
            expression.append(round(64 * value) / 64)
    ranges = range(1, 61)
    return {
        'nonce': nonce,
        'genes': genes,
        'samples': samples,
        'group': group,
        'expression': expression,
        'range_start': [integer(nonce, f'range start {i}', 1, 2000) for i in ranges],
        'range_width': [integer(nonce, f'range width {i}', 1, 60) for i in ranges],
    }


def rows_of(task: dict[str, Any]) -> list[list[float]]:
    """Return the data gene by gene."""
    data, n = task['expression'], task['samples']
    return [data[i : i + n] for i in range(0, len(data), n)]


def judge_round_trip(task: dict[str, Any], said: Said) -> None:
    """Check that an ExpressionSet returns what was put in, digit by digit."""
    rows = rows_of(task)
    for name, expected in (
        ('round trip', task['expression']),
        ('phenotype', task['group']),
        ('subset', [rows[1][2], rows[1][0]]),
    ):
        found = said.numbers(name)
        wrong = sum(f != e for f, e in zip(found, expected, strict=False))
        expect(
            len(found) == len(expected) and not wrong,
            f'{name} of the ExpressionSet: {wrong} of {len(found)} values differ '
            f'from the {len(expected)} that went in',
        )
    names = said.words('feature names')
    wanted = ['gene1', f'gene{task["genes"]}']
    expect(names == wanted, f'feature names of the ExpressionSet are {names}, not {wanted}')


def errors(task: dict[str, Any], said: Said) -> dict[str, float]:
    """Errors relative to the largest value of each kind, by what they are errors of.

    Base R's numbers are compared with the formula in plain Python; limma's with base R's, and
    with plain Python where base R printed none.
    """
    fit: ModeratedFit = fit_two_groups(rows_of(task), task['group'])
    formula = {
        'df prior': [fit.df_prior],
        's2 prior': [fit.s2_prior],
        's2 post': fit.s2_post,
        't': fit.t,
        'p': fit.p,
        'adjusted p': adjusted(sorted(fit.p)),
    }
    result = {
        f"base R's {name}": relative_error(said.numbers(f'base {name}'), values)
        for name, values in formula.items()
    }
    in_base_r = {name: said.numbers(f'base {name}') for name in formula}
    expected = {
        'coefficients': fit.coefficients,
        'intercepts': fit.intercepts,
        'sigma': fit.sigma,
        'df total': [fit.df_total] * task['genes'],
        **in_base_r,
        'contrast t': in_base_r['t'],
    }
    for name, values in expected.items():
        result[f"limma's {name}"] = relative_error(said.numbers(name), values)
    # The smallest p-values vanish beside the largest: they are compared one by one as well.
    for whose, name in (("base R's", 'base p'), ("limma's", 'p')):
        pairs = zip(said.numbers(name), fit.p, strict=False)
        logarithms = [math.log(f / v) if f > 0 else math.inf for f, v in pairs]
        result[f'{whose} logarithm of p'] = norm(logarithms)
    return result


def relative_error(found: list[float], expected: list[float]) -> float:
    """Return the largest difference by the largest value; infinite for another count."""
    if len(found) != len(expected):
        return math.inf
    return norm([f - v for f, v in zip(found, expected, strict=True)]) / norm(expected)


def judge(task: dict[str, Any], said: Said) -> None:
    """Fail with a sentence unless every printed number is right."""
    judge_round_trip(task, said)
    for whose, error in errors(task, said).items():
        expect_within(f'relative error of {whose}', error, 0.0, TOLERANCE)
    judge_ranking(fit_two_groups(rows_of(task), task['group']), said.words('order'))
    if said.text('genomic ranges') == 'present':
        judge_ranges(task, said)


def judge_ranking(fit: ModeratedFit, order: list[str]) -> None:
    """Check that topTable names every gene once and never a larger p before a smaller one.

    Genes without any difference tie at p = 1 (values are multiples of 1/64), in any order.
    """
    genes = {f'gene{i + 1}': p for i, p in enumerate(fit.p)}
    expect(sorted(order) == sorted(genes), 'topTable does not name every gene once')
    wrong = [(a, b) for a, b in pairwise(order) if genes[a] > genes[b] * (1 + TOLERANCE)]
    expect(
        not wrong,
        f'topTable ranks {wrong[0][0]} before {wrong[0][1]}, whose p-value is smaller'
        if wrong
        else '',
    )


def judge_ranges(task: dict[str, Any], said: Said) -> None:
    """Compare overlaps and merged ranges of GenomicRanges with a count base by base."""
    pairs = list(zip(task['range_start'], task['range_width'], strict=True))
    ends = [(start, start + width - 1) for start, width in pairs]
    overlaps = [sum(a <= end and start <= b for a, b in ends) for start, end in ends]
    covered = {base for start, end in ends for base in range(start, end + 1)}
    starts = sorted(base for base in covered if base - 1 not in covered)
    stops = sorted(base for base in covered if base + 1 not in covered)
    for name, expected in (
        ('overlaps', overlaps),
        ('coverage', [len(covered)]),
        ('merged start', starts),
        ('merged end', stops),
    ):
        found = said.numbers(name)
        expect(found == expected, f'GenomicRanges: {name} is {found[:5]}, expected {expected[:5]}')
