"""Words and marks for outcomes, standings and verdicts: the same in every form.

A mark never stands without its word, so that nothing depends on colour or on a glyph.
"""

from __future__ import annotations

from eessi_validate.results.model import (
    CaseResult,
    Evidence,
    GateRecord,
    Metric,
    Outcome,
    Standing,
    VerdictCode,
)

#: Worst first: the order in which cases need a reader's attention.
SEVERITY = (
    Outcome.FAIL,
    Outcome.ERROR,
    Outcome.ABORTED,
    Outcome.MISSING,
    Outcome.SKIP,
    Outcome.PASS,
)

#: Mark of a state; a state is an outcome, or ``known`` or ``held`` once policy has spoken.
MARKS = {
    'pass': '✓',
    'fail': '✗',
    'error': '!',
    'aborted': '■',
    'missing': '?',
    'skip': '○',
    'known': '≈',
    'held': '‖',
    'unplanned': '?',
}

#: What each state means, for the legend.
MEANINGS = {
    'pass': 'ran and met every condition',
    'fail': 'the test ran and found the software wrong',
    'error': 'the job could not run or did not end',
    'aborted': 'stopped before it ended',
    'missing': 'planned, but no result came back',
    'skip': 'the test declined to run: lost coverage',
    'known': 'fails, and a waiver covers it',
    'held': 'passed, but policy does not accept it yet',
    'unplanned': 'a result that nobody planned: never a pass',
}

EVIDENCE_MEANINGS = {
    Evidence.NATIVE: 'run on the CPU target itself',
    Evidence.EMULATED: 'run under qemu-user; speed says nothing',
    Evidence.STATIC: 'files inspected, nothing run',
    Evidence.STAND_IN: 'a labelled replacement ran, not the software itself',
}

STANDING_WORDS = {
    Standing.PASSED: 'passed',
    Standing.NEW_FAILURE: 'new failure',
    Standing.KNOWN: 'known',
    Standing.LOST_COVERAGE: 'lost coverage',
    Standing.HELD: 'held',
    None: 'not judged',
}

VERDICT_MARKS = {
    VerdictCode.ACCEPT: '✓',
    VerdictCode.ACCEPT_WAIVED: '≈',
    VerdictCode.REJECT: '✗',
    VerdictCode.HOLD: '‖',
}

#: How a tarball was put over its base.
METHOD_WORDS = {
    'overlay': 'laid over it',
    'fuse-overlayfs': 'laid over it by fuse-overlayfs',
    'in-place': 'in place: the stack holds it already',
    'none': 'nothing was run over it',
}

#: Field of ``Counters``, its words, and the standing that it counts (None: not by standing).
COUNTERS: tuple[tuple[str, str, Standing | None], ...] = (
    ('planned', 'planned', None),
    ('ran', 'ran', None),
    ('passed', 'passed', Standing.PASSED),
    ('new_failures', 'new failures', Standing.NEW_FAILURE),
    ('known', 'known', Standing.KNOWN),
    ('lost_coverage', 'lost coverage', Standing.LOST_COVERAGE),
    ('held', 'held', Standing.HELD),
    ('flaky', 'flaky', None),
)


def gate_words(gate: GateRecord) -> list[tuple[str, str]]:
    """What a reader must know of a gated tarball besides its verdict: pairs of label and words."""
    count = len(gate.findings)
    return [
        ('new', ', '.join(gate.modules) or 'no module'),
        ('inspection', plural(count, 'finding') if count else 'no finding'),
        ('base', f'{gate.base_digest}, {METHOD_WORDS[gate.method]}'),
        ('standing', f'trial: {gate.trial}' if gate.trial else 'official'),
    ]


def evidence_words(result: CaseResult) -> str:
    """Evidence grade, or ``no evidence`` where the software was never judged by its test."""
    if result.outcome in (Outcome.PASS, Outcome.FAIL):
        return result.evidence.value
    return 'no evidence'


def reason_words(result: CaseResult) -> str:
    """The reason as given; for a case that gives none, a sentence that says just that."""
    if result.reason:
        return result.reason
    if result.outcome is Outcome.PASS:
        return ''
    meaning = MEANINGS[result.outcome.value].capitalize()
    return (
        f'{meaning}.' if result.outcome is Outcome.MISSING else f'{meaning}; no reason was given.'
    )


def metric_words(metric: Metric) -> str:
    """``12.3 ns/day (reference 11.9, accepted 10 to 14)``."""
    words = f'{metric.value:.6g} {metric.unit}'.rstrip()
    limits = metric_limits(metric)
    return f'{words} ({limits})' if limits else words


def metric_limits(metric: Metric) -> str:
    """``reference 11.9, accepted 10 to 14``, or '' when the test states none."""
    parts = []
    if metric.reference is not None:
        parts.append(f'reference {metric.reference:.6g}')
    match metric.lower, metric.upper:
        case None, None:
            pass
        case lower, None:
            parts.append(f'accepted from {lower:.6g}')
        case None, upper:
            parts.append(f'accepted up to {upper:.6g}')
        case lower, upper:
            parts.append(f'accepted {lower:.6g} to {upper:.6g}')
    return ', '.join(parts)


def duration_words(seconds: float | None) -> str:
    """``0.4 s``, ``12 s``, ``3 min 20 s`` or ``2 h 05 min``; '' when unknown."""
    if seconds is None:
        return ''
    if seconds < 10:
        return f'{seconds:.1f} s'
    whole = round(seconds)
    if whole < 60:
        return f'{whole} s'
    if whole < 3600:
        return f'{whole // 60} min {whole % 60:02d} s'
    return f'{whole // 3600} h {whole % 3600 // 60:02d} min'


def plural(count: int, noun: str, many: str = '') -> str:
    """``1 case``, ``2 cases``."""
    return f'{count:,} {noun if count == 1 else many or noun + "s"}'
