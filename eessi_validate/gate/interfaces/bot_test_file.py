"""``_bot_job<ID>.test``: how a job's test step tells EESSI's build bot what came of it.

An INI file with the section ``[TEST]``; the comment is one line of HTML, because the bot puts it
into a table, and ``%`` is doubled, because it is read by Python's ``configparser`` (source: EESSI
software-layer-scripts, ``bot/check-test.sh``; eessi-bot-software-layer, ``tools/job_metadata.py``).
"""

from __future__ import annotations

import html

from eessi_validate.results.model import Report, VerdictCode

_STATUS = {
    VerdictCode.ACCEPT: 'SUCCESS',
    VerdictCode.ACCEPT_WAIVED: 'SUCCESS',
    VerdictCode.REJECT: 'FAILURE',
    VerdictCode.HOLD: 'FAILURE',
}
_MARKS = {'SUCCESS': ':grin:', 'FAILURE': ':cry:'}

#: Characters of the comment, of one reason, and reasons shown.
_LONGEST, _LONGEST_REASON, _SHOWN = 20_000, 300, 20


def render_bot_test(report: Report) -> str:
    """Return the file's content."""
    status = _STATUS[report.judgement.verdict]
    comment = _comment(report, status).replace('%', '%%')
    return f'[TEST]\ncomment_description = {comment}\nstatus = {status}\n'


def _comment(report: Report, status: str) -> str:
    judgement = report.judgement
    lines = [
        f'{judgement.verdict.value}: {_plain(judgement.summary)}',
        f'digest {_plain(report.subject.digest)}, policy {_plain(judgement.policy)}, '
        f'{report.counters.passed} of {report.counters.planned} planned cases passed',
    ]
    against = [excuse for excuse in judgement.excuses if excuse.effect != 'note']
    for excuse in against[:_SHOWN]:
        lines.append(
            f'{excuse.effect}: {_plain(excuse.subject)} ({_plain(excuse.check)}): '
            f'{_plain(excuse.reason)}'
        )
    if len(against) > _SHOWN:
        lines.append(f'and {len(against) - _SHOWN} more')
    while len('<br/>'.join(lines)) > _LONGEST:
        lines.pop()
    return (
        f'<details><summary>{_MARKS[status]} {status} _(click triangle for details)_</summary>'
        f'<dl><dd>{"<br/>".join(lines)}</dd></dl></details>'
    )


def _plain(text: str) -> str:
    """Return text of others as one line that is neither HTML nor Markdown."""
    shown = ''.join(c if c.isprintable() else ' ' for c in text)[:_LONGEST_REASON]
    return html.escape(shown).replace('@', '&#64;').replace('`', '&#96;')
