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


def render_bot_test(*outcomes: Report | str) -> str:
    """Return the file's content.

    :arg outcomes: of each tarball its report, or why there is none; nothing at all is a failure.
    """
    accepted = [not isinstance(each, str) and _is_accepted(each) for each in outcomes]
    status = 'SUCCESS' if accepted and all(accepted) else 'FAILURE'
    blocks = [_lines(each) for each in outcomes] or [['there is no tarball: nothing was tested']]
    lines = [line for block in _bounded(blocks) for line in block]
    comment = (
        f'<details><summary>{_MARKS[status]} {status} _(click triangle for details)_</summary>'
        f'<dl><dd>{"<br/>".join(lines)}</dd></dl></details>'
    ).replace('%', '%%')
    return f'[TEST]\ncomment_description = {comment}\nstatus = {status}\n'


def _is_accepted(report: Report) -> bool:
    return _STATUS[report.judgement.verdict] == 'SUCCESS'


def _bounded(blocks: list[list[str]]) -> list[list[str]]:
    """Shorten the longest blocks, from their ends, until all fit."""
    while sum(len(line) + 5 for block in blocks for line in block) > _LONGEST:
        longest = max(blocks, key=len)
        if len(longest) == 1:
            return [*blocks[: _LONGEST // (2 * _LONGEST_REASON)], ['and more']]
        longest.pop()
    return blocks


def _lines(outcome: Report | str) -> list[str]:
    if isinstance(outcome, str):
        return [_plain(outcome)]
    report, judgement = outcome, outcome.judgement
    lines = [
        f'{judgement.verdict.value}: {_plain(judgement.summary)}',
        f'{_plain(report.subject.description)} digest {_plain(report.subject.digest)}, '
        f'policy {_plain(judgement.policy)}, '
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
    return lines


def _plain(text: str) -> str:
    """Return text of others as one line that is neither HTML nor Markdown."""
    shown = ''.join(c if c.isprintable() else ' ' for c in text)[:_LONGEST_REASON]
    return html.escape(shown).replace('@', '&#64;').replace('`', '&#96;')
