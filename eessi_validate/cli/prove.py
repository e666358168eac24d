"""``eessi-validate prove``: shows whether a test can fail, before anybody trusts it."""

from __future__ import annotations

import datetime
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from eessi_validate.cli.exit_codes import ACCEPTED, HELD, REJECTED
from eessi_validate.errors import HoldError, UsageError

if TYPE_CHECKING:
    from eessi_validate.prove.proof import Proof
    from eessi_validate.run.prepare import Request

#: Exit codes: every mutant killed, not every one, not known.


def prove(
    tests: Annotated[
        list[str] | None,
        typer.Argument(metavar='[TEST]...', help='Tests: implementation classes.'),
    ] = None,
    every: Annotated[
        bool, typer.Option('--all', help='All tests that have a case on this stack.')
    ] = False,
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
    config: Annotated[
        list[Path] | None,
        typer.Option(
            '--config',
            metavar='FILE',
            help='ReFrame configuration of a site, repeatable; needs --system.',
        ),
    ] = None,
    system: Annotated[
        str,
        typer.Option('--system', help='System, or SYSTEM:PARTITION, of it that runs jobs here.'),
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
    """Run tests on sound software and on mutants of it; 0 only if they see every mutant."""
    from eessi_validate.prove.session import StoppedError, provable_tests
    from eessi_validate.prove.show import proof_lines, proofs_json, score_line
    from eessi_validate.run.prepare import Request

    if not stack:
        raise UsageError('--stack ROOT is missing: the directory that holds "versions"')
    if bool(tests) == every:
        raise UsageError('name one test or more, or give --all')
    request = Request(
        stack=str(Path(stack).expanduser().absolute()),
        release=release,
        targets=(target,) if target else (),
        modules=(module,) if module else (),
        scales=(scale,) if scale else (),
        configs=_absolute(config),
        system=system,
        checks=_absolute(implementations),
    )
    stamp = datetime.datetime.now().strftime('%Y%m%dT%H%M%S')
    directory = (out or Path(f'eessi-validate-prove-{stamp}')).expanduser().absolute()
    names = list(tests or provable_tests(request))
    proofs, held = [], []
    for name in names:
        place = directory / name if len(names) > 1 else directory
        try:
            proof = _prove_one(replace(request, tests=(name,)), place, jobs, quiet)
        except HoldError as error:
            if len(names) == 1 or isinstance(error, StoppedError):
                raise
            held.append(f'HOLD  {name}: {error}')
            continue
        proofs.append(proof)
        if not as_json:
            for line in proof_lines(proof):
                typer.echo(line)
    if as_json:
        typer.echo(proofs_json(proofs))
    elif len(names) > 1:
        for proof in proofs:
            typer.echo(score_line(proof))
    for line in held:
        typer.echo(line, err=True)
    if held and all(proof.complete for proof in proofs):
        raise typer.Exit(HELD)
    raise typer.Exit(ACCEPTED if all(proof.complete for proof in proofs) else REJECTED)


def _absolute(paths: list[Path] | None) -> tuple[str, ...]:
    return tuple(str(path.expanduser().absolute()) for path in paths or ())


def _prove_one(request: Request, directory: Path, jobs: int, quiet: bool) -> Proof:
    from eessi_validate.prove.proof import Watcher
    from eessi_validate.prove.session import prove as prove_test
    from eessi_validate.prove.show import ConsoleWatcher, proof_table, proofs_json

    proof = prove_test(request, directory, Watcher() if quiet else ConsoleWatcher(), jobs)
    (directory / 'proof.json').write_text(proofs_json([proof]) + '\n', encoding='utf-8')
    (directory / 'proof.md').write_text(proof_table(proof), encoding='utf-8')
    return proof
