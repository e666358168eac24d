"""``eessi-validate check``: checks that apply to any installation, for a developer."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from eessi_validate.cli.exit_codes import HELD, REJECTED


def check(
    stack: Annotated[str, typer.Option('--stack', metavar='ROOT', help='Root of the stack.')] = '',
    release: Annotated[str, typer.Option(help='Release [default: the newest].')] = '',
    target: Annotated[
        list[str] | None,
        typer.Option('--target', help='CPU target, repeatable [default: the best that runs here].'),
    ] = None,
    module: Annotated[
        list[str] | None,
        typer.Option('--module', help='Module or software name, repeatable [default: all].'),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            '--only', metavar='GROUP', help='files, text, linkage, isa, module, start-up, ...'
        ),
    ] = None,
    against: Annotated[
        str, typer.Option(metavar='TARGET', help='Compare extensions and programs with it.')
    ] = '',
    against_release: Annotated[
        str,
        typer.Option(metavar='RELEASE', help='Name what this release has and ours not.'),
    ] = '',
    allow: Annotated[
        list[str] | None,
        typer.Option(metavar='FILE', help='Allow rules of your own (JSON), repeatable.'),
    ] = None,
    cache: Annotated[
        Path | None, typer.Option(help='File with earlier answers [default: in the user cache].')
    ] = None,
    no_cache: Annotated[
        bool, typer.Option('--no-cache', help='Look at everything anew, remember nothing.')
    ] = False,
    workers: Annotated[int, typer.Option(min=0, help='Processes; 0: one more than CPUs.')] = 0,
    as_json: Annotated[bool, typer.Option('--json', help='Print JSON on standard output.')] = False,
) -> None:
    """Check installations without a test of their application: files, linkage, start-up ..."""
    from eessi_validate.errors import UsageError
    from eessi_validate.run.check import CheckRequest, Summary, text_lines, write_json
    from eessi_validate.run.check import check as check_stack
    from eessi_validate.run.installations import default_cache

    if not stack:
        raise UsageError('--stack ROOT is missing: the directory that holds "versions"')
    if cache and no_cache:
        raise UsageError('--cache and --no-cache exclude each other')
    request = CheckRequest(
        stack=str(Path(stack).expanduser().absolute()),
        release=release,
        targets=tuple(target or ()),
        modules=tuple(module or ()),
        groups=tuple(only or ()),
        against=against,
        against_release=against_release,
        cache=None if no_cache else cache or default_cache(),
        allow=tuple(allow or ()),
        workers=workers or None,
    )
    summary = Summary()
    parts = check_stack(request, summary)
    if as_json:
        write_json(parts, summary, sys.stdout.write)
    else:
        for part in parts:
            for line in text_lines(part):
                typer.echo(line)
        typer.echo(summary.sentence)
    if summary.errors:
        raise typer.Exit(REJECTED)
    if summary.not_run or not summary.installations:
        raise typer.Exit(HELD)
