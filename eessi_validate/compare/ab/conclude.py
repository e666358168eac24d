"""From the journal to the report. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

from eessi_validate.compare.ab.decide import (
    comparisons,
    duet_advice,
    next_step,
    planned_looks,
    self_checks,
    settings_of,
    usable_pairs,
)
from eessi_validate.compare.ab.journal import Asked, Row
from eessi_validate.compare.ab.model import AbReport, CaseRow, MetricRow, State
from eessi_validate.compare.ab.sides import ONLY_BEFORE
from eessi_validate.compare.statistics import Judged, SelfCheck, Verdict, judge_family, needs_text
from eessi_validate.results.model import Outcome


def conclude(
    asked: Asked,
    rows: Sequence[Row],
    cases: Sequence[str],
    left_out: Sequence[str],
    *,
    interrupted: bool,
    cores: Mapping[str, int] | None = None,
) -> AbReport:
    """Return what the rows say; every planned case is in it, measured or not.

    :arg cores: that one run of a case takes; 1 where left out.
    """
    cores = cores or {}
    by_case = {case: [row for row in rows if row.case == case] for case in cases}
    prepared = [(case, c) for case in cases for c in comparisons(by_case[case], asked)]
    judged = judge_family([comparison for _, comparison in prepared], settings_of(asked))
    checks = {name: c for case in cases for name, c in self_checks(by_case[case]).items()}
    metrics = tuple(
        _metric_row(case, one, checks.get(one.comparison.name))
        for (case, _), one in zip(prepared, judged, strict=True)
    )
    case_rows = tuple(_case_row(case, by_case[case], asked, cores.get(case, 1)) for case in cases)
    state, summary = _state(metrics, case_rows, left_out)
    return AbReport(
        state=state,
        summary=summary,
        asked=asked,
        interrupted=interrupted,
        metrics=metrics,
        cases=case_rows,
        left_out=tuple(left_out),
        rows=len(rows),
        rows_by_phase=dict(sorted(Counter(row.phase for row in rows).items())),
    )


def _metric_row(case: str, judged: Judged, check: SelfCheck | None) -> MetricRow:
    comparison, estimate = judged.comparison, judged.estimate
    sample = comparison.sample
    return MetricRow(
        case=case,
        metric=comparison.name.removeprefix(f'{case} '),
        unit=sample.unit,
        direction=comparison.direction,
        verdict=judged.verdict.value,
        reason=judged.reason,
        needs=needs_text(judged),
        n=len(sample.pairs),
        rejected=tuple(f'{r.side} {r.measurement.pair}: {r.reason}' for r in sample.rejected),
        ratio=estimate.ratio if estimate else None,
        lower=estimate.lower if estimate else None,
        upper=estimate.upper if estimate else None,
        confidence=estimate.confidence if estimate else None,
        spread=estimate.spread if estimate else None,
        detectable=estimate.detectable if estimate else None,
        p=judged.p,
        q=judged.q,
        self_check_pairs=check.n if check else 0,
        self_noise=_finite(check.noise if check else None),
        self_spread=_finite(check.spread if check else None),
        self_autocorrelation=check.autocorrelation if check else None,
        self_problem=check.problem if check else '',
    )


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _case_row(case: str, rows: Sequence[Row], asked: Asked, cores: int) -> CaseRow:
    step = next_step(rows, asked, cores)
    usable = len(usable_pairs(rows))
    looks = planned_looks(rows, asked).pairs
    return CaseRow(
        case=case,
        pairs=usable,
        looks=looks,
        done=not step.pairs,
        reason=step.reason or f'stopped after {usable} of at most {looks[-1]} pairs',
        failed=sum(row.outcome not in (Outcome.PASS, Outcome.ABORTED) for row in rows),
        duet=_duet(rows, asked, cores),
    )


def _duet(rows: Sequence[Row], asked: Asked, cores: int) -> str:
    if not asked.duet:
        return ''
    advice = duet_advice(rows, asked, cores)
    how = 'both sides ran at once' if advice.allowed else 'one side after the other'
    return f'{how}: {advice.reason}'


def _state(
    metrics: Sequence[MetricRow], cases: Sequence[CaseRow], left_out: Sequence[str]
) -> tuple[State, str]:
    """Return the worst that can be said; whatever is missing leaves it undecided."""
    counts = Counter(row.verdict for row in metrics)
    verdicts = ', '.join(f'{counts[v.value]} {v.value}' for v in Verdict if counts[v.value])
    measured = {row.case for row in metrics}
    doubts = {
        f'of {len(cases)} cases gave no metric': sum(row.case not in measured for row in cases),
        f'of {len(cases)} cases had failed runs': sum(bool(row.failed) for row in cases),
        'cases are only before': sum(text.endswith(ONLY_BEFORE) for text in left_out),
        'metrics of the same software differ from themselves': sum(
            bool(row.self_problem) for row in metrics
        ),
    }
    named = [f'{count} {what}' for what, count in doubts.items() if count]
    summary = '; '.join(filter(None, (verdicts or 'nothing was measured', *named)))
    trusted = not any(row.self_problem for row in metrics)
    if counts[Verdict.SLOWER.value] and trusted:
        return 'slower', summary
    if metrics and not named and not counts[Verdict.INCONCLUSIVE.value]:
        return 'not slower', summary
    return 'undecided', summary
