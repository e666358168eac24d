"""``eessi-validate waivers``: files of reviewed exceptions."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Annotated

import typer

from eessi_validate.cli.exit_codes import ACCEPTED, REJECTED
from eessi_validate.cli.output import reader_may_leave
from eessi_validate.errors import UsageError

app = typer.Typer(help='Files of waivers.', no_args_is_help=True)


@app.callback()
def waivers() -> None:
    """Files of waivers."""


@app.command('import')
def import_file(
    file: Annotated[Path, typer.Argument(help="EESSI's list, eessi-RELEASE-known-issues.yml.")],
    owner: Annotated[str, typer.Option('--owner', help='Who answers for what names nobody.')] = '',
    expires: Annotated[
        str, typer.Option('--expires', metavar='DATE', help='Last day of what names none.')
    ] = '',
    days: Annotated[
        int, typer.Option('--days', min=0, max=90, help='The same, in days from today.')
    ] = 0,
    issue: Annotated[str, typer.Option('--issue', help='URL for what names none.')] = '',
    check: Annotated[
        str, typer.Option('--check', help='Tests that are waived; * for any characters.')
    ] = 'EESSI_*',
    out: Annotated[
        Path | None, typer.Option('--out', help='New file (default: standard output).')
    ] = None,
) -> None:
    """Take over a list of known issues as waivers; name what lacks something, and leave it out.

    Exit code 0 if all of it was taken over, 1 if something was refused.
    """
    from eessi_validate.gate.decision.known_issues import (
        Completion,
        import_known_issues,
        render_waivers,
    )
    from eessi_validate.gate.decision.policy_file import read_yaml
    from eessi_validate.report.atomic import write_atomically

    if expires and days:
        raise UsageError('give --expires or --days, not both')
    if out is not None and out.exists():
        raise UsageError(f'{out} is there already: waivers are reviewed, not overwritten')
    today = datetime.datetime.now(datetime.timezone.utc).date()
    if days:
        expires = (today + datetime.timedelta(days=days)).isoformat()
    try:
        data = file.read_bytes()
    except OSError as error:
        raise UsageError(f'no known issues at {file}: {error.strerror}') from error
    taken, refused = import_known_issues(
        read_yaml(data, str(file)), Completion(owner, expires, issue, check), today
    )
    for each in refused:
        typer.echo(f'refused: {each.entry}: {each.reason}', err=True)
    text = render_waivers(taken, file.name)
    typer.echo(f'{len(taken)} taken over, {len(refused)} refused', err=True)
    with reader_may_leave():
        if out is None:
            typer.echo(text, nl=False)
        else:
            write_atomically(out, text)
    raise typer.Exit(REJECTED if refused else ACCEPTED)
