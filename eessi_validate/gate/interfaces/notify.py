"""Tells a chat about a verdict: a POST as Slack's incoming webhooks take it, and others like them.

The address is a secret, because whoever has it can write: no part of it but the host is ever shown.
Telling never changes a verdict.
"""

from __future__ import annotations

import http.client
import json
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import IO, Any

from eessi_validate.errors import UsageError
from eessi_validate.results.model import Report

#: Variable with the address; unlike an option it is not seen in the list of processes.
NOTIFY_VARIABLE = 'EESSI_VALIDATE_NOTIFY_URL'

_SECONDS, _ATTEMPTS, _PAUSE = 10.0, 2, 1.0
#: Characters of the message.
_LONGEST = 3000
_LOOPBACK = ('localhost', '127.0.0.1', '::1')


def check_address(url: str) -> str:
    """Return the host of a webhook's address.

    :raises UsageError: if it is none that may be used; the address is not in the message.
    """
    try:
        parts = urllib.parse.urlsplit(url)
        host, _ = parts.hostname or '', parts.port
    except ValueError:
        host = ''
    if not host or any(c.isspace() or not c.isprintable() for c in url):
        raise UsageError('the address of the webhook is none: https://HOST/...')
    if parts.scheme != 'https' and not (parts.scheme == 'http' and host in _LOOPBACK):
        raise UsageError(f'the address of the webhook at {host} is not https')
    return host


def notify(url: str, report: Report) -> str:
    """Tell about a report; return why that failed, '' if it did not.

    :raises UsageError: if there is no such address.
    """
    host = check_address(url)
    body = json.dumps({'text': message(report)}).encode()
    why = ''
    for attempt in range(_ATTEMPTS):
        if attempt:
            time.sleep(_PAUSE)
        why, again = _post(url, body)
        if not why:
            return ''
        if not again:
            break
    return f'the verdict could not be told to {host}: {why}'


def message(report: Report) -> str:
    """Return the words of a message, with nothing in them that a chat would act on."""
    judgement, subject = report.judgement, report.subject
    lines = [
        f'*{judgement.verdict.value}* {_plain(subject.description or subject.repository)}',
        _plain(judgement.summary),
        _plain(f'{subject.repository} {subject.release} {" ".join(subject.cpu_targets)}'),
        f'{_plain(subject.digest)}, policy {_plain(judgement.policy)}',
    ]
    text = '\n'.join(line for line in lines if line.strip())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + '…'


def _plain(text: str) -> str:
    """Escape as Slack asks for; without ``<`` there are no links and no mentions."""
    shown = ''.join(c if c.isprintable() else ' ' for c in text)[:1000]
    return shown.replace('&', '&amp;').replace('<', '&lt;').replace('>', '&gt;')


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any,
        newurl: str,
    ) -> None:  # fmt: skip
        """Follow nothing: the address may not be passed on."""
        return None


def _post(url: str, body: bytes) -> tuple[str, bool]:
    """Return why it failed, and whether trying again makes sense; never with the address in it."""
    request = urllib.request.Request(
        url, data=body, headers={'Content-Type': 'application/json'}, method='POST'
    )
    try:
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=_SECONDS) as answer:
            status = answer.status
    except urllib.error.HTTPError as error:
        status = error.code
        error.close()
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, 'reason', error)
        text = getattr(reason, 'strerror', None)
        return text if isinstance(text, str) else type(reason).__name__, True
    if 200 <= status < 300:
        return '', False
    return f'HTTP status {status}', status >= 500 or status == 429
