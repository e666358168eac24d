"""The ``analysis`` slot of a staging pull request: what the gate says of each of its tarballs.

EESSI's ingestion writes ``<dd>TO BE DONE</dd>`` there for each bundle of tarballs
(filesystem-layer, ``scripts/automated_ingestion/eessi_task.py``). GitHub cuts the whole text at
65,536 characters, so all tarballs of a pull request share one budget.
"""

from __future__ import annotations

from collections.abc import Sequence

from eessi_validate.report.markdown import LIMIT
from eessi_validate.report.markdown_text import code, fits, prose
from eessi_validate.report.wording import VERDICT_MARKS, plural
from eessi_validate.results.model import Excuse, Report, VerdictCode

_ORDER = (
    VerdictCode.REJECT, VerdictCode.HOLD, VerdictCode.ACCEPT_WAIVED, VerdictCode.ACCEPT,
)  # fmt: skip
#: Bytes that the frame, and the head of each tarball at most, take.
_FRAME, _HEAD = 1_000, 2_600
_MODULES_SHOWN = 10


def render_analysis(reports: Sequence[Report], limit: int = LIMIT) -> str:
    """Return the slot's content, the gravest verdict first; never more than ``limit`` bytes."""
    worst_first = sorted(reports, key=lambda each: _ORDER.index(each.judgement.verdict))
    heads = [_head(report) for report in worst_first]
    shown = fits(heads, limit - _FRAME)
    left = limit - _FRAME - sum(len(head.encode()) + 2 for head in heads[:shown])
    asking = [r for r in worst_first[:shown] if _against(r)]
    blocks = []
    for report, head in zip(worst_first[:shown], heads, strict=False):
        blocks.append(head)
        if report in asking:
            blocks.append(_excuses(_against(report), left // len(asking)))
    if shown < len(heads):
        blocks.append(f'… {plural(len(heads) - shown, "tarball")} left out here.')
    if not reports:
        blocks = ['No tarball was gated.']
    inner = '\n\n'.join(block for block in blocks if block)
    # Markdown inside HTML needs empty lines around it (GitHub Flavored Markdown, 4.6).
    return f'<dd>\n\n{_summary(reports)}\n\n{inner}\n\n</dd>\n'


def _summary(reports: Sequence[Report]) -> str:
    counted = [
        (verdict, sum(1 for report in reports if report.judgement.verdict is verdict))
        for verdict in _ORDER
    ]
    words = [f'{count} {verdict.value}' for verdict, count in counted if count]
    return f'**Gate: {", ".join(words) or "nothing"}** of {plural(len(reports), "tarball")}'


def _head(report: Report) -> str:
    subject, judgement, counters = report.subject, report.judgement, report.counters
    facts = [
        f'{counters.passed} of {counters.planned} planned cases passed',
        f'policy {code(judgement.policy, 60)}',
    ]
    if report.gate is not None:
        names = [code(name, 80) for name in report.gate.modules[:_MODULES_SHOWN]]
        more = len(report.gate.modules) - len(names)
        if names:
            facts.append(f'new: {", ".join(names)}' + (f' and {more} more' if more else ''))
        if report.gate.trial:
            facts.append(f'trial: {prose(report.gate.trial, 120)}')
    text = (
        f'{VERDICT_MARKS[judgement.verdict]} **{judgement.verdict.value}** '
        f'{code(subject.description or subject.repository, 160)} {code(subject.digest, 80)}<br/>\n'
        f'{prose(judgement.summary, 200)}<br/>\n{" · ".join(facts)}'
    )
    # Entities make some names long; the verdict itself is what must be there.
    if len(text.encode()) > _HEAD:
        return f'{VERDICT_MARKS[judgement.verdict]} **{judgement.verdict.value}** ' + code(
            subject.digest, 80
        )
    return text


def _against(report: Report) -> list[Excuse]:
    return [excuse for excuse in report.judgement.excuses if excuse.effect != 'note']


def _excuses(excuses: Sequence[Excuse], budget: int) -> str:
    lines = [
        f'- **{excuse.effect}** {code(excuse.subject, 160)} ({prose(excuse.check, 80)}): '
        f'{prose(excuse.reason, 250)}'
        for excuse in excuses[:500]
    ]
    frame = '<details><summary>{}</summary>\n\n{}\n\n</details>'
    title = f'{plural(len(excuses), "objection")}, and what they are'
    shown = fits(lines, budget - 300)
    if shown < len(excuses):
        lines[shown:] = [f'- … {plural(len(excuses) - shown, "objection")} left out here.']
    return (
        frame.format(title, '\n'.join(lines)) if shown else f'{plural(len(excuses), "objection")}.'
    )
