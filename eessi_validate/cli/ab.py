"""``eessi-validate ab``: measure two sides against each other, interleaved."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from eessi_validate.cli.exit_codes import ACCEPTED, HELD, REJECTED
from eessi_validate.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eessi_validate.compare.ab import Side
    from eessi_validate.compare.ab.journal import Row
    from eessi_validate.run.prepare import Request

#: Undecided: inconclusive, failed or stopped.
_CODES = {'not slower': ACCEPTED, 'slower': REJECTED, 'undecided': HELD}

_PERCENT = re.compile(r'^(\d+(?:\.\d+)?)\s*%?$')


def ab(
    before: Annotated[
        str,
        typer.Option(
            '--before', help='ROOT, ROOT@RELEASE, a release or module of --stack, or a tarball.'
        ),
    ] = '',
    after: Annotated[str, typer.Option('--after', help='The same for the other side.')] = '',
    before_overlay: Annotated[
        Path | None,
        typer.Option(
            '--before-overlay', metavar='DIR', help='Repository tree laid over that side.'
        ),
    ] = None,
    after_overlay: Annotated[
        Path | None,
        typer.Option(
            '--after-overlay', metavar='DIR', help='The same; without --after over --before.'
        ),
    ] = None,
    stack: Annotated[str, typer.Option('--stack', metavar='ROOT', help='Common stack.')] = '',
    release: Annotated[str, typer.Option('--release', help='Common release.')] = '',
    target: Annotated[
        list[str] | None, typer.Option('--target', help='CPU target, repeatable.')
    ] = None,
    module: Annotated[
        list[str] | None, typer.Option('--module', help='Module or software.')
    ] = None,
    test: Annotated[
        list[str] | None, typer.Option('--test', '--tests', help='Test, repeatable.')
    ] = None,
    scale: Annotated[list[str] | None, typer.Option('--scale', help='Scale, repeatable.')] = None,
    config: Annotated[
        list[str] | None, typer.Option('--config', help='ReFrame configuration.')
    ] = None,
    system: Annotated[str, typer.Option('--system', help='System of that config.')] = '',
    checks: Annotated[list[str] | None, typer.Option('--checks', help='Check files.')] = None,
    pairs: Annotated[
        int | None, typer.Option('--pairs', help='Most pairs of each case: 20, with --until 60.')
    ] = None,
    until: Annotated[
        str, typer.Option('--until', metavar='MDE', help='Measure until this is found, e.g. 2%.')
    ] = '',
    delta: Annotated[
        str, typer.Option('--delta', help='Differences up to this do not matter.')
    ] = '2%',
    warm_ups: Annotated[int, typer.Option('--warm-ups', help='Dropped runs of each side.')] = 1,
    self_check: Annotated[
        int, typer.Option('--self-check', help='Pairs of BEFORE against itself first.')
    ] = 8,
    duet: Annotated[
        bool, typer.Option('--duet', help='Both sides at once, if a pilot shows that it helps.')
    ] = False,
    before_set: Annotated[
        list[str] | None,
        typer.Option(
            '--before-set', metavar='NAME=VALUE', help='Variable of the tests, repeatable.'
        ),
    ] = None,
    after_set: Annotated[
        list[str] | None,
        typer.Option(
            '--after-set', metavar='NAME=VALUE', help='Variable of the tests, repeatable.'
        ),
    ] = None,
    seed: Annotated[
        str, typer.Option('--seed', help='Repeat a recorded order and its inputs.')
    ] = '',
    out: Annotated[Path | None, typer.Option('--out', help='Directory of the results.')] = None,
    resume: Annotated[
        Path | None,
        typer.Option('--resume', metavar='DIR', help='Go on with a stopped comparison.'),
    ] = None,
    quiet: Annotated[bool, typer.Option('--quiet', help='Show no progress.')] = False,
    as_json: Annotated[bool, typer.Option('--json', help='Print JSON.')] = False,
) -> None:
    """Measure two sides in interleaved pairs; exit 1 if slower, 75 if not known, else 0."""
    from eessi_validate.compare.ab import (
        Options,
        parse_side,
        render_json,
        render_markdown,
        render_terminal,
        resume_ab,
        start_ab,
    )
    from eessi_validate.report.atomic import write_atomically

    watch = _silent if quiet or as_json else _show
    if resume:
        if before or after or out or before_overlay or after_overlay:
            raise UsageError('--resume repeats what DIR asked for: give only DIR')
        directory = resume.expanduser().absolute()
        report = resume_ab(directory, watch)
    else:
        after = after or (before if after_overlay else '')
        if not before or not after:
            raise UsageError('--before X and --after Y are needed')
        directory = (out or Path(f'eessi-validate-ab-{_stamp()}')).expanduser().absolute()
        common = _common(stack, release, target, module, test, scale, config, system, checks)
        options = Options(
            directory=directory,
            pairs=pairs or (60 if until else 20),
            until=_fraction(until, '--until') if until else None,
            practical_delta=_fraction(delta, '--delta'),
            warm_ups=_not_negative(warm_ups, '--warm-ups'),
            self_check=_not_negative(self_check, '--self-check'),
            duet=duet,
            seed=seed,
            command=shlex.join(['eessi-validate', *sys.argv[1:]]),
        )
        _require_fresh(directory)
        for text, over in ((before, before_overlay), (after, after_overlay)):
            if over and Path(text).expanduser().is_file():
                raise UsageError(f'{text} lies over the stack already: leave {over} out')
        overlays = directory / 'overlay'
        old, new = (
            _over(Path(text).expanduser().absolute(), common, variables or (), overlays / name)
            if Path(text).expanduser().is_file()
            else _under(parse_side(text, common, variables or ()), over)
            for name, text, variables, over in (
                ('before', before, before_set, before_overlay),
                ('after', after, after_set, after_overlay),
            )
        )
        report = start_ab(old, new, options, watch)
    forms = {'ab-report.json': render_json, 'ab-report.md': render_markdown}
    for name, render in {**forms, 'ab-report.txt': render_terminal}.items():
        write_atomically(directory / name, render(report))
    typer.echo(render_json(report) if as_json else render_terminal(report), nl=False)
    if not as_json:
        typer.echo(f'report: {directory / "ab-report.md"}')
    raise typer.Exit(_CODES[report.state])


def _common(
    stack: str,
    release: str,
    target: list[str] | None,
    module: list[str] | None,
    test: list[str] | None,
    scale: list[str] | None,
    config: list[str] | None,
    system: str,
    checks: list[str] | None,
) -> Request:
    from eessi_validate.run.prepare import Request

    return Request(
        stack=str(Path(stack).expanduser().absolute()) if stack else '',
        release=release,
        targets=tuple(target or ()),
        modules=tuple(module or ()),
        tests=tuple(name for text in test or () for name in text.split(',') if name),
        scales=tuple(scale or ()),
        configs=tuple(str(Path(path).expanduser().absolute()) for path in config or ()),
        system=system,
        checks=tuple(str(Path(path).expanduser().absolute()) for path in checks or ()),
    )


def _require_fresh(directory: Path) -> None:
    if (directory / 'ab.json').exists() or (directory / 'overlay').exists():
        raise UsageError(f'{directory} holds a comparison: use --resume or another --out')


def _over(tarball: Path, common: Request, variables: Sequence[str], into: Path) -> Side:
    """Return the side of a tarball laid over --stack; it stays extracted for --resume."""
    from dataclasses import replace

    from eessi_validate.compare.ab import Side, parse_variables
    from eessi_validate.gate.overlay.candidate_view import view_candidate

    if not common.stack:
        raise UsageError(f'{tarball.name} needs the stack that it lies over: give --stack ROOT')
    parsed = parse_variables(variables)
    view = view_candidate(tarball, Path(common.stack), into)
    if common.release not in ('', view.release):
        raise UsageError(f'{tarball.name} is for {view.release}, not for {common.release}')
    request = replace(
        common,
        release=view.release,
        targets=(view.cpu_target,) if view.cpu_target else common.targets,
        modules=view.modules or common.modules,
    )
    return Side(f'{tarball.name} sha256:{view.sha256[:12]}', request, parsed, view.prefix)


def _under(side: Side, directory: Path | None) -> Side:
    """Return the side with a directory laid over its stack."""
    if directory is None:
        return side
    from dataclasses import replace

    from eessi_validate.gate.overlay.directory_view import view_directory
    from eessi_validate.run.prepare import release_name
    from eessi_validate.stack.layout import open_stack

    if not side.request.stack:
        raise UsageError(f'{directory} needs the stack that it lies over: give --stack ROOT')
    stack, over = Path(side.request.stack), directory.expanduser().resolve()
    release = release_name(open_stack(stack), side.request.release)
    return replace(
        side,
        label=f'{side.label} under {directory}',
        prefix=view_directory(over, stack, release),
        over=str(over),
    )


def _fraction(text: str, option: str) -> float:
    found = _PERCENT.match(text.strip())
    value = float(found[1]) / 100 if found else 0.0
    if not 0 < value < 1:
        raise UsageError(f'{option} {text!r} is no percentage between 0 and 100: write e.g. 2%')
    return value


def _not_negative(number: int, option: str) -> int:
    if number < 0:
        raise UsageError(f'{option} {number} is negative')
    return number


def _stamp() -> str:
    import datetime

    return datetime.datetime.now().strftime('%Y%m%dT%H%M%S')


def _show(row: Row, case: str) -> None:
    values = ', '.join(
        f'{m.name} {m.value:g} {m.unit}' for m in row.metrics if m.direction != 'truth'
    )
    what = values if row.outcome.value == 'pass' else f'{row.outcome.value}: {row.reason}'
    typer.echo(f'{row.phase} {row.pair + 1} {row.side:<6} {case}: {what}', err=True)


def _silent(row: Row, case: str) -> None:
    del row, case
