"""``eessi-validate run``, ``plan`` and ``doctor``: what applies to this stack, and does it hold?"""

from __future__ import annotations

import gc
import json
import re
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from eessi_validate.cli.exit_codes import ACCEPTED, REJECTED, verdict_code
from eessi_validate.cli.output import reader_may_leave
from eessi_validate.errors import UsageError

if TYPE_CHECKING:
    from eessi_validate.results.model import Report
    from eessi_validate.run.prepare import Request

#: ReFrame's notation of durations.
_DURATION = re.compile(r'^(?=\d)(?:\d+d)?(?:\d+h)?(?:\d+m)?(?:\d+s)?$')

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
    raise typer.Exit(verdict_code(report.judgement.verdict.value))


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
