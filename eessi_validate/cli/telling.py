"""Option ``--notify``: tell a chat about verdicts; what goes wrong with that is said, no more."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from eessi_validate.results.model import Report

NotifyOption = Annotated[
    str,
    typer.Option(
        '--notify',
        metavar='URL',
        help='Webhook of a chat to tell (default: EESSI_VALIDATE_NOTIFY_URL).',
    ),
]


def webhook(given: str) -> str:
    """Return the address of the webhook; '' if nobody is to be told.

    :raises UsageError: if it is no address that may be used.
    """
    from eessi_validate.gate.interfaces.notify import NOTIFY_VARIABLE, check_address

    url = given or os.environ.get(NOTIFY_VARIABLE, '')
    if url:
        check_address(url)
    return url


def tell(url: str, report: Report) -> None:
    """Tell about a report, if anybody is to be told."""
    from eessi_validate.gate.interfaces.notify import notify

    if url and (why := notify(url, report)):
        typer.echo(f'eessi-validate: {why}', err=True)
