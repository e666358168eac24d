"""``eessi-validate inspect``: what is wrong with a tarball, by its form alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from eessi_validate.cli.exit_codes import ACCEPTED, HELD, REJECTED

if TYPE_CHECKING:
    from eessi_validate.gate.inspection import Inspection

#: Exit codes: nothing against it, rejected, a person or a retry is needed.


def inspect(
    tarball: Annotated[Path, typer.Argument(help='The tarball; its name is part of what it says.')],
    stack: Annotated[
        Path | None,
        typer.Option('--stack', metavar='ROOT', help='Stack that it is for: what it overwrites.'),
    ] = None,
    metadata: Annotated[
        Path | None, typer.Option('--metadata', metavar='FILE', help='Its .meta.txt file.')
    ] = None,
    as_json: Annotated[bool, typer.Option('--json', help='Print JSON on standard output.')] = False,
) -> None:
    """Read an untrusted tarball without extracting it, and list every finding.

    Exit code 0 if nothing rejects or holds it, 1 if something rejects it, 75 if something needs
    a person. It is one part of the gate: 0 does not mean that the software works.
    """
    from eessi_validate.gate.inspection import inspect_tarball

    inspection = inspect_tarball(tarball, base=stack, metadata=metadata)
    if as_json:
        typer.echo(inspection.model_dump_json(indent=1))
    else:
        for line in lines(inspection):
            typer.echo(line)
    raise typer.Exit(REJECTED if inspection.rejected else HELD if inspection.held else ACCEPTED)


def lines(inspection: Inspection) -> list[str]:
    """Return the inspection as text, findings first by gravity, the summary last."""
    totals, facts = inspection.totals, inspection.facts
    shown = [
        f'{f.severity}: {f.id}: {f.member + ": " if f.member else ""}{f.sentence}'
        for f in inspection.findings
    ]
    what = ' '.join(t for t in (facts.kind, facts.release + facts.suffix, facts.cpu_target) if t)
    shown += [
        f'sha256:{inspection.subject.sha256}  {inspection.subject.name}',
        f'{what or "of unknown type"}: {totals.members} members, {totals.files} files, '
        f'{totals.content / 1e6:.1f} MB; '
        f'{len(inspection.installations)} installations, {len(inspection.modules)} modules',
    ]
    shown += [f'  {each.name} in {each.subdir}' for each in inspection.installations]
    if facts.base_checked:
        shown.append(
            f'against the base stack: {totals.new} new, {totals.identical} identical, '
            f'{totals.replaced} replaced'
        )
    else:
        shown.append('no base stack was given: what it overwrites is not known')
    counted = ', '.join(f'{count} {name}' for name, count in sorted(inspection.counts.items()))
    word = 'rejected' if inspection.rejected else 'held' if inspection.held else 'sound'
    if not facts.complete:
        word += ', not read to its end'
    shown.append(f'{word}: {counted or "no findings"}')
    return shown
