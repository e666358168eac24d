"""Policy applied to plan and run: the verdict, and an excuse for all that stands in its way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from eessi_validate.gate.policy import STRICT, Effect, Policy
from eessi_validate.results.model import (
    CaseResult,
    Counters,
    Evidence,
    Excuse,
    Judgement,
    Outcome,
    Plan,
    PlannedCase,
    Report,
    Run,
    Standing,
    Subject,
    VerdictCode,
)

#: What releases a case, by outcome.
_RELEASES = {
    Outcome.FAIL: 'mend the build or the stack, then run again',
    Outcome.ERROR: 'mend the host, the scheduler or the set-up, then use --only-failed',
    Outcome.SKIP: 'give the test what it needs, then use --only-failed',
    Outcome.MISSING: 'find out why ReFrame did not run it, then run again with --resume',
    Outcome.ABORTED: 'go on with --resume',
}

#: Counter that a case without a pass falls in.
_STANDINGS = {
    Outcome.FAIL: Standing.NEW_FAILURE,
    Outcome.ERROR: Standing.HELD,
    Outcome.SKIP: Standing.LOST_COVERAGE,
    Outcome.MISSING: Standing.LOST_COVERAGE,
    Outcome.ABORTED: Standing.HELD,
}

#: From the least to the most severe.
_SEVERITY = (
    Standing.PASSED,
    Standing.KNOWN,
    Standing.HELD,
    Standing.LOST_COVERAGE,
    Standing.NEW_FAILURE,
)


def judge(subject: Subject, plan: Plan, run: Run, policy: Policy = STRICT) -> Report:
    """Return the report with its verdict. Fails closed: only a pass of every case accepts."""
    excuses = tuple(_excuses(plan, run, policy))
    verdict = _verdict(excuses)
    standings = _standings(plan, run)
    counters = _counters(plan, run, standings)
    return Report(
        subject=subject,
        judgement=Judgement(
            verdict=verdict,
            summary=_summary(verdict, excuses, counters),
            policy=policy.name,
            excuses=excuses,
            standings=standings,
        ),
        counters=counters,
        plan=plan,
        run=run,
    )


def _excuses(plan: Plan, run: Run, policy: Policy) -> list[Excuse]:
    excuses = []
    if not plan.cases:
        excuses.append(
            _general('plan', 'nothing to run', 'name modules, tests or scales that exist')
        )
    elif not any(_runs_software(case) for case in plan.cases):
        excuses.append(
            _general('plan', 'no case runs any software', 'name modules or tests that can run here')
        )
    if run.interrupted:
        excuses.append(_general('run', 'the run was stopped', 'go on with --resume'))
    excuses += [
        Excuse(
            subject='run', check='ReFrame', cpu_target='', effect='note', reason=text, release=''
        )
        for text in run.problems
    ]
    planned = {(case.id.test, case.key) for case in plan.cases}
    answered = {(result.case.id.test, result.case.key) for result in run.results}
    for test, key in sorted(planned - answered):
        excuses.append(_general(test, f'{key}: no result', _RELEASES[Outcome.MISSING]))
    for result in run.results:
        excuses += _excuses_of(result, policy)
    for name in run.unplanned:
        excuses.append(
            Excuse(
                subject='run', check=name, cpu_target='', effect='note',
                reason='a result came back that was not planned', release='',
            )
        )  # fmt: skip
    return excuses


def _runs_software(case: PlannedCase) -> bool:
    """False for what the driver only reads."""
    return case.partition != 'driver' or case.evidence is not Evidence.STATIC


def _general(check: str, reason: str, release: str) -> Excuse:
    return Excuse(
        subject='run', check=check, cpu_target='', effect='hold', reason=reason, release=release
    )


def _excuses_of(result: CaseResult, policy: Policy) -> list[Excuse]:
    if result.outcome is Outcome.PASS and not result.flaky:
        return []
    if result.flaky:
        failures = sum(1 for outcome in result.attempts if outcome is not Outcome.PASS)
        effect: Effect = policy.flaky
        reason = f'flaky: passed only after {failures} failed attempt(s)'
        release = 'find the cause; run again for a clean pass'
    else:
        effect = policy.effects[result.outcome]
        reason, release = result.reason or result.outcome.value, _RELEASES[result.outcome]
    identity = result.case.id
    return [
        Excuse(
            subject=result.case.module or f'{identity.software}/{identity.version}',
            check=f'{identity.test} %{identity.scale}',
            cpu_target=identity.cpu_target,
            effect=effect,
            reason=reason,
            release=release,
            cases=(result.case.full_key,),
        )
    ]


def _verdict(excuses: Sequence[Excuse]) -> VerdictCode:
    effects = {excuse.effect for excuse in excuses}
    if 'reject' in effects:
        return VerdictCode.REJECT
    return VerdictCode.HOLD if 'hold' in effects else VerdictCode.ACCEPT


def _summary(verdict: VerdictCode, excuses: Sequence[Excuse], counters: Counters) -> str:
    if verdict is VerdictCode.ACCEPT:
        return f'all {counters.planned} planned cases passed'
    decisive = 'reject' if verdict is VerdictCode.REJECT else 'hold'
    first = next(excuse for excuse in excuses if excuse.effect == decisive)
    more = sum(1 for excuse in excuses if excuse.effect == decisive) - 1
    where = f'{first.subject} {first.check}' if first.subject != 'run' else first.check
    return f'{where}: {first.reason}' + (f' (and {more} more)' if more else '')


def _standings(plan: Plan, run: Run) -> dict[str, Standing]:
    """Return the counter of every planned case; of several results the worst one decides."""
    found = {case.full_key: Standing.LOST_COVERAGE for case in plan.cases}
    worst: dict[str, Standing] = {}
    for result in run.results:
        key, standing = result.case.full_key, _standing(result)
        if key not in worst or _SEVERITY.index(standing) > _SEVERITY.index(worst[key]):
            worst[key] = standing
    return {**found, **worst}


def _standing(result: CaseResult) -> Standing:
    if result.outcome is Outcome.PASS:
        return Standing.HELD if result.flaky else Standing.PASSED
    return _STANDINGS[result.outcome]


def _counters(plan: Plan, run: Run, standings: Mapping[str, Standing]) -> Counters:
    counted = Counter(standings.values())
    ran = (Outcome.PASS, Outcome.FAIL, Outcome.ERROR)
    return Counters(
        planned=len(plan.cases),
        ran=sum(1 for result in run.results if result.outcome in ran),
        passed=counted[Standing.PASSED],
        new_failures=counted[Standing.NEW_FAILURE],
        known=counted[Standing.KNOWN],
        lost_coverage=counted[Standing.LOST_COVERAGE],
        held=counted[Standing.HELD],
        flaky=sum(1 for result in run.results if result.flaky),
    )
