"""Turns what came back into the result of a planned case. Pure, and fails closed."""

from __future__ import annotations

import re
from dataclasses import dataclass

from eessi_library.diagnosis import END_MARKER, failed_command, known_fault, taken_away
from eessi_validate.results.model import CaseResult, Metric, Outcome, PlannedCase
from eessi_validate.rfm.catalogue import TestInfo
from eessi_validate.rfm.records import CaseRecord

#: Phases of ReFrame's pipeline in which the software has not been judged yet.
_BEFORE_JUDGEMENT = ('startup', 'setup', 'compile', 'compile_complete', 'compile_wait', 'run')

_PREFIXES = re.compile(r'^(?:sanity error|performance error|job error|reframe error): ')
#: How ReFrame's local scheduler and Slurm say that a job reached its time limit.
_TIMED_OUT = re.compile(r'job timed out|TIMEOUT|DUE TO TIME LIMIT|Slurm ended the job: TIME LIMIT')
#: How reasons begin that are the driver's own, not the test's: the job ran too long, and the test
#: passed what cannot be believed.
TOO_LONG, NOT_BELIEVED = 'did not end within its time limit', 'passed '
_GENERIC = re.compile(r'^job exited with exit code|^pattern .* not found')


@dataclass(frozen=True)
class CaseFiles:
    """What the job left behind."""

    stdout: str = ''
    stderr: str = ''
    job_script: str = ''
    directory: str = ''


def judge_record(
    case: PlannedCase, record: CaseRecord, files: CaseFiles, test: TestInfo, command: str
) -> CaseResult:
    """Return the result of ``case`` from ReFrame's record and the job's own files."""
    metrics = _metrics(record, test)
    outcome, reason = _outcome(case, record, files, metrics)
    return CaseResult(
        case=case,
        outcome=outcome,
        reason=reason,
        metrics=metrics,
        attempts=(outcome,),
        evidence=case.evidence,
        phase=record.phase,
        seconds=record.seconds,
        nodes=record.nodes,
        exit_code=record.exit_code,
        stdout_tail=_tail(files.stdout),
        stderr_tail=_tail(files.stderr),
        job_script=files.job_script,
        directory=files.directory,
        command=command,
    )


def absent(case: PlannedCase, outcome: Outcome, reason: str, command: str = '') -> CaseResult:
    """Return the result of a case that left no record."""
    return CaseResult(
        case=case,
        outcome=outcome,
        reason=reason,
        attempts=(outcome,),
        evidence=case.evidence,
        command=command,
    )


def with_history(result: CaseResult, earlier: tuple[Outcome, ...]) -> CaseResult:
    """Return ``result`` with the outcomes of earlier attempts before its own."""
    return result.model_copy(update={'attempts': (*earlier, *result.attempts)})


def _metrics(record: CaseRecord, test: TestInfo) -> tuple[Metric, ...]:
    return tuple(
        Metric(
            name=value.name,
            value=value.value,
            unit=value.unit,
            direction=test.directions.get(value.name, 'truth'),  # type: ignore[arg-type]
            reference=value.reference,
            lower=value.lower,
            upper=value.upper,
        )
        for value in record.performance
    )


def _outcome(
    case: PlannedCase, record: CaseRecord, files: CaseFiles, metrics: tuple[Metric, ...]
) -> tuple[Outcome, str]:
    if record.result == 'pass':
        return _confirm_pass(case, record, files, metrics)
    if record.result == 'abort':
        return Outcome.ABORTED, 'stopped before it ended'
    if record.result in ('skip', 'fail_deps'):
        return Outcome.SKIP, record.reason or 'skipped without a reason'
    if record.result in ('xfail', 'xpass'):
        return Outcome.FAIL, f'an expectation of failure is not a pass: {record.reason}'
    reason = _best_reason(record, files)
    if taken_away(f'{files.stdout}\n{files.stderr}'):
        return Outcome.ERROR, reason
    if _TIMED_OUT.search(record.reason):
        return Outcome.FAIL, f'{TOO_LONG}: {_strip(record.reason)}'
    if record.phase in _BEFORE_JUDGEMENT:
        return Outcome.ERROR, f'could not run ({record.phase}): {reason}'
    return Outcome.FAIL, reason


def _confirm_pass(
    case: PlannedCase, record: CaseRecord, files: CaseFiles, metrics: tuple[Metric, ...]
) -> tuple[Outcome, str]:
    """Believe a pass only with every required metric, a zero status and the script's own end."""
    missing = sorted(set(case.required_metrics) - {metric.name for metric in metrics})
    if missing:
        return Outcome.FAIL, f'{NOT_BELIEVED}without its metric(s) {", ".join(missing)}'
    if not metrics:
        return Outcome.FAIL, f'{NOT_BELIEVED}without any metric'
    if record.exit_code:
        return Outcome.FAIL, f'{NOT_BELIEVED}although the job ended with status {record.exit_code}'
    if END_MARKER not in files.stdout:
        return Outcome.FAIL, f'{NOT_BELIEVED}although the job script did not reach its end'
    return Outcome.PASS, ''


def _best_reason(record: CaseRecord, files: CaseFiles) -> str:
    """Prefer the fault's own message over a generic one."""
    reason = _strip(record.reason)
    taken = taken_away(f'{files.stdout}\n{files.stderr}')
    if not reason or taken or _GENERIC.match(reason):
        output = f'{files.stdout}\n{files.stderr}'
        details = [known_fault(output), failed_command(output)]
        found = '; '.join(d for d in details if d)
        return found or reason or f'failed in phase {record.phase}'
    return reason


def _strip(reason: str) -> str:
    return _PREFIXES.sub('', reason)


def _tail(text: str, lines: int = 20, characters: int = 4000) -> str:
    return '\n'.join(text.rstrip().splitlines()[-lines:])[-characters:]
