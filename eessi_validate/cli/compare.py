"""``eessi-validate compare`` and ``history``: what stored results say."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from eessi_validate.errors import UsageError

if TYPE_CHECKING:
    from eessi_validate.compare.stored.exceptions import Explained

StorePath = Annotated[
    str, typer.Option('--store', metavar='DIR', envvar='EESSI_VALIDATE_STORE', help='The store.')
]


def compare(
    before: Annotated[str, typer.Argument(metavar='A', help='Run, file, release or query.')],
    after: Annotated[str, typer.Argument(metavar='B', help='The same for the other side.')],
    store: StorePath = '',
    ignore: Annotated[
        list[str] | None,
        typer.Option('--ignore', help='version, toolchain, cpu_target, scale: do not join by it.'),
    ] = None,
    any_version: Annotated[
        bool, typer.Option('--any-version', help='The same as --ignore version,toolchain.')
    ] = False,
    systems: Annotated[
        str, typer.Option('--systems', help='each with itself, together, or auto.')
    ] = 'auto',
    delta: Annotated[str, typer.Option('--delta', help='What does not matter.')] = '2%',
    allow_suspects: Annotated[
        bool, typer.Option('--allow-suspects', help='Suspects alone do not give exit code 75.')
    ] = False,
    parity: Annotated[
        str, typer.Option('--parity', help='software or module: list what B misses of A.')
    ] = '',
    exceptions: Annotated[
        Path | None, typer.Option('--exceptions', help='YAML list of explained absences.')
    ] = None,
    markdown: Annotated[Path | None, typer.Option('--markdown', help='Write Markdown.')] = None,
    html: Annotated[Path | None, typer.Option('--html', help='Write HTML.')] = None,
    as_json: Annotated[bool, typer.Option('--json', help='Print JSON.')] = False,
) -> None:
    """Compare stored results: exit 0 nothing worse, 1 something worse, 75 not known."""
    from eessi_validate.compare.stored import (
        Options,
        compare_sides,
        read_side,
        render_html,
        render_json,
        render_markdown,
        render_terminal,
    )

    ignored = [name for text in ignore or () for name in text.split(',') if name]
    if any_version:
        ignored += ['version', 'toolchain']
    if exceptions and not parity:
        raise UsageError('--exceptions explains what --parity lists: give --parity too')
    explained: tuple[Explained, ...] = ()
    if exceptions:
        from eessi_validate.compare.stored.exceptions import read_exceptions

        explained = read_exceptions(exceptions)
    options = Options(
        ignored=tuple(dict.fromkeys(ignored)),
        systems=_systems(systems),
        practical_delta=_percentage(delta),
        allow_suspects=allow_suspects,
        parity=_parity(parity),
        exceptions=explained,
    )
    report = compare_sides(read_side(before, store), read_side(after, store), options)
    for path, render in ((markdown, render_markdown), (html, render_html)):
        if path:
            # Imported where it is needed: the templates beside it outlast most comparisons.
            from eessi_validate.report.atomic import write_atomically

            write_atomically(path, render(report))
    typer.echo(render_json(report) if as_json else render_terminal(report), nl=False)
    raise typer.Exit(report.exit_code)


def _systems(text: str) -> Literal['auto', 'each', 'together']:
    match text:
        case 'auto' | 'each' | 'together':
            return text
    raise UsageError(f'--systems {text!r}: valid are auto, each, together')


def _parity(text: str) -> Literal['', 'software', 'module']:
    match text:
        case '' | 'software' | 'module':
            return text
    raise UsageError(f'--parity {text!r}: valid are software, module')


def _percentage(text: str) -> float:
    try:
        value = float(text.strip().removesuffix('%')) / 100
    except ValueError:
        value = 0.0
    if not 0 < value < 1:
        raise UsageError(f'--delta {text!r} is no percentage between 0 and 100: write e.g. 2%')
    return value


def history(
    test: Annotated[str, typer.Argument(metavar='TEST', help='Test; * stands for anything.')],
    query: Annotated[
        list[str] | None, typer.Argument(metavar='[QUERY]...', help='target=x86_64/* since=90d ...')
    ] = None,
    store: StorePath = '',
    stack: Annotated[
        str, typer.Option('--stack', metavar='ROOT', help='Root, for the commands that confirm.')
    ] = 'ROOT',
    references: Annotated[
        Path | None, typer.Option('--references', help="Write ReFrame's $ref YAML there.")
    ] = None,
    as_json: Annotated[bool, typer.Option('--json', help='Print JSON.')] = False,
) -> None:
    """Show the series of a test: exit 1 for an alarm, 75 for no series, else 0."""
    import yaml

    from eessi_validate.cli.results import opened
    from eessi_validate.compare.history import (
        find_history,
        references_of,
        render_json,
        render_terminal,
    )
    from eessi_validate.compare.history.find import COLUMNS
    from eessi_validate.report.atomic import write_atomically

    words = list(query or ())
    if any(word.startswith(('test=', 'outcome=', 'metric=')) for word in words):
        raise UsageError('history reads all tests, outcomes and metrics: leave test= and such out')
    archive = opened(store)
    frame = archive.frame(' '.join(words), COLUMNS)
    problems = [f'skipped {w.name}: {w.reason}' for w in archive.warnings]
    found = find_history(frame, test, stack=stack, problems=problems)
    if references:
        content, left_out = references_of(found)
        text = yaml.safe_dump(content, sort_keys=True, allow_unicode=True)
        write_atomically(references, text)
        for reason in left_out:
            typer.echo(f'no reference for {reason}', err=True)
    typer.echo(render_json(found) if as_json else render_terminal(found), nl=False)
    raise typer.Exit(found.exit_code)
