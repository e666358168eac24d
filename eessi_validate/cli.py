"""The command line: one thin command per verb; the only place that knows exit codes."""

from __future__ import annotations

import gc
import json
import re
import shlex
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from eessi_validate import __version__
from eessi_validate.cli_ab import ab
from eessi_validate.cli_check import check
from eessi_validate.cli_compare import compare, history
from eessi_validate.cli_gate import gate, verify
from eessi_validate.cli_inspect import inspect
from eessi_validate.cli_output import reader_may_leave
from eessi_validate.cli_prove import prove
from eessi_validate.cli_results import app as results_app
from eessi_validate.cli_stack import app as stack_app
from eessi_validate.errors import EessiValidateError, HoldError, UsageError

if TYPE_CHECKING:
    from eessi_validate.results.model import Report
    from eessi_validate.run.prepare import Request

#: What a wrong command line raises: ``ClickException``, which typer bundles or imports by version.
_CommandLineError: type[Exception] = typer.BadParameter.__mro__[2]

#: ReFrame's notation of durations.
_DURATION = re.compile(r'^(?=\d)(?:\d+d)?(?:\d+h)?(?:\d+m)?(?:\d+s)?$')

ACCEPTED, REJECTED, USAGE, HELD = 0, 1, 2, 75

app = typer.Typer(
    name='eessi-validate',
    help='Decides whether software may go into an EESSI-style software stack, and says why.',
    epilog='Exit codes: 0 ACCEPT, 1 REJECT, 2 usage error, 75 HOLD (not known: retry or ask).',
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
)
app.add_typer(stack_app, name='stack')
app.command()(check)
app.command()(inspect)
app.command()(gate)
app.command()(verify)
app.command()(prove)
app.command()(ab)
app.add_typer(results_app, name='results')
app.command()(compare)
app.command()(history)

StackRoot = Annotated[str, typer.Option('--stack', metavar='ROOT', help='Root of the stack.')]
ReleaseName = Annotated[str, typer.Option('--release', help='Release [default: the newest].')]
Targets = Annotated[
    list[str] | None,
    typer.Option('--target', help='CPU target, repeatable [default: the best that runs here].'),
]
Modules = Annotated[
    list[str] | None,
    typer.Option('--module', help='Module or software name, repeatable [default: all].'),
]
Tests = Annotated[
    list[str] | None, typer.Option('--test', help='Test, repeatable [default: all that apply].')
]
Scales = Annotated[
    list[str] | None,
    typer.Option('--scale', help="Scale such as cores_2 or nodes_1, repeatable [default: tests']."),
]
Repeat = Annotated[int, typer.Option('--repeat', help='Run each case this many times.')]
Configs = Annotated[
    list[str] | None,
    typer.Option('--config', help='ReFrame configuration of a site, repeatable; needs --system.'),
]
System = Annotated[str, typer.Option('--system', help='System of that configuration.')]
Checks = Annotated[
    list[str] | None,
    typer.Option('--checks', help='ReFrame check files to use instead of the shipped ones.'),
]
Allow = Annotated[
    list[str] | None,
    typer.Option('--allow', metavar='FILE', help='Allow rules for checks of installations.'),
]
Built = Annotated[
    list[str] | None,
    typer.Option(
        '--built',
        metavar='MODULE',
        help='Newly built module or software, repeatable: for a library, what depends on it too.',
    ),
]
Json = Annotated[bool, typer.Option('--json', help='Print JSON on standard output.')]


@app.callback(invoke_without_command=True)
def main_options(
    version: Annotated[bool, typer.Option('--version', help='Show the version.')] = False,
) -> None:
    """Options that need no command."""
    if version:
        typer.echo(f'eessi-validate {__version__}')
        raise typer.Exit


@app.command()
def run(
    stack: StackRoot = '',
    release: ReleaseName = '',
    target: Targets = None,
    module: Modules = None,
    test: Tests = None,
    scale: Scales = None,
    repeat: Repeat = 1,
    config: Configs = None,
    system: System = '',
    checks: Checks = None,
    allow: Allow = None,
    built: Built = None,
    time_limit: Annotated[
        str, typer.Option('--time-limit', help='Time limit of each case, e.g. 10m.')
    ] = '',
    out: Annotated[
        Path | None, typer.Option('--out', help='Directory of the results [default: a fresh one].')
    ] = None,
    nonce: Annotated[
        str, typer.Option('--nonce', help='Repeat a run with its recorded nonce.')
    ] = '',
    retries: Annotated[
        int, typer.Option('--retries', help='Try failed cases again; a later pass is flaky.')
    ] = 0,
    resume: Annotated[
        Path | None, typer.Option('--resume', metavar='DIR', help='Go on with a stopped run.')
    ] = None,
    only_failed: Annotated[
        Path | None,
        typer.Option('--only-failed', metavar='DIR', help='Run again what did not pass.'),
    ] = None,
    store: Annotated[
        str,
        typer.Option(
            '--store', metavar='DIR', envvar='EESSI_VALIDATE_STORE', help='Record the run there.'
        ),
    ] = '',
    quiet: Annotated[bool, typer.Option('--quiet', help='Show no progress.')] = False,
    as_json: Json = False,
) -> None:
    """Plan, run and judge; the exit code is the verdict."""
    from eessi_validate.gate.judge import judge
    from eessi_validate.report import print_report, render_json, write_all
    from eessi_validate.run.progress import progress_for
    from eessi_validate.run.session import Options, resume_run, start_run

    again = resume or only_failed
    if again:
        fixed = (stack, release, target, module, test, scale, config, system, checks, built)
        if any((*fixed, allow, time_limit, out, nonce, repeat != 1, resume and only_failed)):
            raise UsageError('--resume and --only-failed repeat what DIR asked for: give only DIR')
    if time_limit and not _DURATION.match(time_limit):
        raise UsageError(
            f'--time-limit {time_limit!r} is no duration: write e.g. 90s, 10m or 1h30m'
        )
    options = Options(
        directory=(again or out or _fresh_directory()).expanduser().absolute(),
        command=shlex.join(['eessi-validate', *sys.argv[1:]]),
        nonce=nonce,
        retries=retries,
    )
    progress = progress_for(quiet=quiet or as_json)
    if again:
        finished = resume_run(options, progress, only_failed=bool(only_failed))
    else:
        request = _request(
            stack, release, target, module, test, scale, repeat, config, system, checks, time_limit,
            built,
        )  # fmt: skip
        request = replace(request, allow=tuple(str(Path(f).absolute()) for f in allow or ()))
        with _no_empty_directory(options.directory):
            finished = start_run(request, options, progress)
    report = judge(finished.subject, finished.plan, finished.run)
    forms = write_all(report, finished.directory)
    if store:
        _record(report, finished.directory, store)
    with reader_may_leave():
        if as_json:
            typer.echo(render_json(report))
        else:
            print_report(report)
            typer.echo(f'report: {forms["html"]}')
    raise typer.Exit(_verdict_code(report.judgement.verdict.value))


@app.command()
def plan(
    stack: StackRoot = '',
    release: ReleaseName = '',
    target: Targets = None,
    module: Modules = None,
    test: Tests = None,
    scale: Scales = None,
    repeat: Repeat = 1,
    config: Configs = None,
    system: System = '',
    checks: Checks = None,
    built: Built = None,
    lint: Annotated[
        bool, typer.Option('--lint', help='List software without an application test; 1 if any.')
    ] = False,
    as_json: Json = False,
) -> None:
    """Print what would run, why, and why not the rest; runs nothing."""
    from eessi_validate.run.prepare import prepare
    from eessi_validate.run.show_plan import lint_lines, lint_plan, plan_lines

    request = _request(
        stack, release, target, module, test, scale, repeat, config, system, checks, '', built
    )
    # All that is made here lives to the end: looking for garbage in it took a fifth of the time.
    gc.disable()
    try:
        prepared = prepare(request)
    finally:
        gc.freeze()
        gc.enable()
    if lint:
        coverages = lint_plan(prepared)
        if as_json:
            typer.echo(json.dumps({name: asdict(c) for name, c in coverages.items()}, indent=1))
        else:
            for line in lint_lines(coverages):
                typer.echo(line)
        raise typer.Exit(ACCEPTED if all(c.clean for c in coverages.values()) else REJECTED)
    if as_json:
        typer.echo(prepared.plan.model_dump_json(indent=1))
        return
    for line in plan_lines(prepared):
        typer.echo(line)


@app.command()
def doctor(
    stack: StackRoot = '',
    release: ReleaseName = '',
    config: Configs = None,
    system: System = '',
    as_json: Json = False,
) -> None:
    """Check host, stack, module system, ReFrame and scheduler; name the fix for each problem."""
    from eessi_validate.gate.overlay.examine import examine_overlay
    from eessi_validate.run.doctor import examine, print_findings

    findings = (*examine(stack, release, tuple(config or ()), system), examine_overlay())
    print_findings(findings, as_json=as_json)
    raise typer.Exit(REJECTED if any(f.level == 'problem' for f in findings) else ACCEPTED)


def _request(
    stack: str,
    release: str,
    target: list[str] | None,
    module: list[str] | None,
    test: list[str] | None,
    scale: list[str] | None,
    repeat: int,
    config: list[str] | None,
    system: str,
    checks: list[str] | None,
    time_limit: str,
    built: list[str] | None = None,
) -> Request:
    from eessi_validate.run.prepare import Request

    if not stack:
        raise UsageError('--stack ROOT is missing: the directory that holds "versions"')
    return Request(
        stack=str(Path(stack).expanduser().absolute()),
        release=release,
        targets=tuple(target or ()),
        modules=tuple(module or ()),
        tests=tuple(test or ()),
        scales=tuple(scale or ()),
        repeat=repeat,
        configs=tuple(str(Path(path).expanduser().absolute()) for path in config or ()),
        system=system,
        checks=tuple(str(Path(path).expanduser().absolute()) for path in checks or ()),
        time_limit=time_limit,
        built=tuple(built or ()),
    )


def _record(report: Report, directory: Path, store: str) -> None:
    """Record the run; a store that cannot be written changes no verdict, but is said."""
    from eessi_validate.results.archive.record import record_run

    try:
        record_run(report, directory, store)
    except (UsageError, OSError) as error:
        typer.echo(f'eessi-validate: not recorded in {store}: {error}', err=True)


def _fresh_directory() -> Path:
    import datetime

    stamp = datetime.datetime.now().strftime('%Y%m%dT%H%M%S')
    path, number = Path(f'eessi-validate-{stamp}'), 1
    while True:
        try:
            path.mkdir()
        except FileExistsError:
            number += 1
            path = Path(f'eessi-validate-{stamp}-{number}')
        except OSError as error:
            raise UsageError(f'cannot write here ({error.strerror}): give --out DIR') from error
        else:
            return path


@contextmanager
def _no_empty_directory(directory: Path) -> Iterator[None]:
    """Leave no empty directory behind where nothing was run."""
    try:
        yield
    finally:
        with suppress(OSError):
            directory.rmdir()


def _verdict_code(verdict: str) -> int:
    return {'ACCEPT': ACCEPTED, 'ACCEPT_WAIVED': ACCEPTED, 'REJECT': REJECTED}.get(verdict, HELD)


def main() -> None:
    """Run the command line; whatever goes wrong ends in a documented exit code."""
    try:
        code = app(standalone_mode=False)
        # typer turns an interrupt into status 130, which is no verdict.
        sys.exit(code if code in (REJECTED, USAGE, HELD) else HELD if code else ACCEPTED)
    except typer.Abort:
        sys.exit(HELD)
    except _CommandLineError as error:
        error.show()  # type: ignore[attr-defined]
        sys.exit(USAGE)
    except UsageError as error:
        typer.echo(f'eessi-validate: {error}', err=True)
        sys.exit(USAGE)
    except HoldError as error:
        typer.echo(f'eessi-validate: HOLD: {error}', err=True)
        sys.exit(HELD)
    except EessiValidateError as error:
        # Not a verdict on any software: that is only ever the code of a judged run.
        typer.echo(f'eessi-validate: {error}', err=True)
        sys.exit(HELD)
    except KeyboardInterrupt:
        typer.echo('eessi-validate: HOLD: stopped', err=True)
        sys.exit(HELD)
    except Exception:  # noqa: BLE001 - an internal error is HOLD, whatever it is
        traceback.print_exc()
        typer.echo('eessi-validate: HOLD: internal error (above); nothing was decided', err=True)
        sys.exit(HELD)
