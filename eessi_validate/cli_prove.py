"""``eessi-validate prove``: shows whether a test can fail, before anybody trusts it."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Annotated

import typer

from eessi_validate.errors import UsageError

#: Exit codes: every mutant killed, or not.
COMPLETE, INCOMPLETE = 0, 1


def prove(
    test: Annotated[str, typer.Argument(help='Test: an implementation class.')],
    stack: Annotated[
        str, typer.Option('--stack', metavar='ROOT', help='Root of the stack; stays as it is.')
    ] = '',
    release: Annotated[str, typer.Option('--release', help='Release [default: newest].')] = '',
    target: Annotated[str, typer.Option('--target', help='CPU target [default: best].')] = '',
    module: Annotated[
        str, typer.Option('--module', help='Module or software [default: the newest].')
    ] = '',
    scale: Annotated[
        str, typer.Option('--scale', help="Scale [default: the last of the test's defaults].")
    ] = '',
    implementations: Annotated[
        list[Path] | None,
        typer.Option('--implementations', metavar='FILE', help="A site's check file, repeatable."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option('--out', help='Directory of all runs [default: a fresh one].')
    ] = None,
    jobs: Annotated[int, typer.Option('--jobs', help='Mutants at the same time.')] = 0,
    quiet: Annotated[bool, typer.Option('--quiet', help='Show no progress.')] = False,
    as_json: Annotated[bool, typer.Option('--json', help='Print one JSON document.')] = False,
) -> None:
    """Run a test on sound software and on mutants of it; 0 only if it sees every mutant."""
    from eessi_validate.prove.session import Watcher
    from eessi_validate.prove.session import prove as prove_test
    from eessi_validate.prove.show import ConsoleWatcher, proof_json, proof_lines
    from eessi_validate.run.prepare import Request

    if not stack:
        raise UsageError('--stack ROOT is missing: the directory that holds "versions"')
    request = Request(
        stack=str(Path(stack).expanduser().absolute()),
        release=release,
        targets=(target,) if target else (),
        modules=(module,) if module else (),
        tests=(test,),
        scales=(scale,) if scale else (),
        checks=tuple(str(path.expanduser().absolute()) for path in implementations or ()),
    )
    stamp = datetime.datetime.now().strftime('%Y%m%dT%H%M%S')
    directory = (out or Path(f'eessi-validate-prove-{stamp}')).expanduser().absolute()
    proof = prove_test(request, directory, Watcher() if quiet else ConsoleWatcher(), jobs)
    if as_json:
        typer.echo(proof_json(proof))
    else:
        for line in proof_lines(proof):
            typer.echo(line)
    raise typer.Exit(COMPLETE if proof.complete else INCOMPLETE)
