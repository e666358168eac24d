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
    """Errors relative to the largest value of each kind."""
    fit: ModeratedFit = fit_two_groups(rows_of(task), task['group'])
    ranked = sorted(fit.p)
    expected = {
        'coefficients': fit.coefficients,
        'intercepts': fit.intercepts,
        'sigma': fit.sigma,
        'df prior': [fit.df_prior],
        's2 prior': [fit.s2_prior],
        's2 post': fit.s2_post,
        'df total': [fit.df_total] * task['genes'],
        't': fit.t,
        'contrast t': fit.t,
        'p': fit.p,
        'adjusted p': adjusted(ranked),
    }
    result = {}
    for name, values in expected.items():
        found = said.numbers(name)
        same = len(found) == len(values)
        difference = norm([f - v for f, v in zip(found, values, strict=True)]) if same else math.inf
        result[name] = difference / norm(values)
    # The smallest p-values vanish beside the largest: they are compared one by one as well.
    pairs = zip(said.numbers('p'), fit.p, strict=False)
    result['logarithm of p'] = norm([math.log(f / v) if f > 0 else math.inf for f, v in pairs])
    return result


def judge(task: dict[str, Any], said: Said) -> None:
    """Fail with a sentence unless every printed number is right."""
    judge_round_trip(task, said)
    for name, error in errors(task, said).items():
        expect_within(f"relative error of limma's {name}", error, 0.0, TOLERANCE)
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
