"""``eessi-validate gate --bundle``: all tarballs of one change, decided together."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import typer

from eessi_validate.cli.exit_codes import verdict_code
from eessi_validate.cli.output import reader_may_leave
from eessi_validate.errors import UsageError


def decide_on_bundle(
    directory: Path,
    stack: Path | None,
    *,
    policy: Path | None,
    waivers: Path | None,
    allowed_signers: Path | None,
    targets: list[str] | None,
    context: str,
    processes: int,
    out: Path | None,
    as_json: bool,
) -> NoReturn:
    """Decide, show the differences, and end with the code of the verdict."""
    from eessi_validate.gate.bundle.flow import BundleRequest, gate_bundle
    from eessi_validate.report.bundle_files import render_bundle_json, write_bundle
    from eessi_validate.report.bundle_terminal import render_bundle_terminal

    if stack is None:
        raise UsageError('--bundle DIR needs --stack ROOT, the stack that it is for')
    report = gate_bundle(
        BundleRequest(
            directory=directory,
            stack=stack,
            policy=policy,
            waivers=waivers,
            allowed_signers=allowed_signers,
            targets=tuple(name for each in targets or () for name in each.split(',') if name),
            context=context,
            processes=processes,
        )
    )
    if out is not None:
        write_bundle(report, out)
    with reader_may_leave():
        if as_json:
            typer.echo(render_bundle_json(report), nl=False)
        else:
            typer.echo(render_bundle_terminal(report), nl=False)
            if out is not None:
                typer.echo(f'for the pull request: {out / "bundle.md"}')
    raise typer.Exit(verdict_code(report.verdict.value))
