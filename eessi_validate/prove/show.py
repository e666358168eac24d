"""Shows a proof: as it goes on, as a table, and as JSON. Computes nothing."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console

from eessi_validate.prove.killer import TEST
from eessi_validate.prove.mutants import Inapplicable
from eessi_validate.prove.proof import MutantResult, Proof, Watcher

_MARKS = {'killed': 'killed', 'survived': 'SURVIVED', 'undecided': 'UNDECIDED'}


def _mark(result: MutantResult) -> str:
    if result.advisory and result.fate == 'survived':
        return 'overlooked'
    return _MARKS[result.fate]


class ConsoleWatcher(Watcher):
    """Prints each fate as it is known, on standard error."""

    def __init__(self) -> None:
        self._console = Console(file=sys.stderr, highlight=False, soft_wrap=True, markup=False)

    def phase(self, text: str) -> None:
        """Print what begins."""
        self._console.print(text)

    def started(self, name: str) -> None:
        """Print on a terminal what runs now."""
        if self._console.is_terminal:
            self._console.print(f'  ... {name}', style='dim')

    def finished(self, result: MutantResult | Inapplicable, done: int, total: int) -> None:
        """Print one fate."""
        if isinstance(result, Inapplicable):
            self._console.print(f'[{done}/{total}] not made  {result.name}: {result.reason}')
            return
        style = None if result.fate == 'killed' or result.advisory else 'bold red'
        line = f'[{done}/{total}] {_mark(result):<9} {result.name}  {result.seconds:.1f} s'
        self._console.print(line, style=style)


def _by(result: MutantResult) -> str:
    """Return who has seen a mutant, '' if it is the test itself."""
    return f', by {result.killed_by}' if result.killed_by not in ('', TEST) else ''


def proof_lines(proof: Proof) -> Iterator[str]:
    """Yield the lines of ``eessi-validate prove``."""
    yield f'{proof.test} {proof.case} on {proof.stack} {proof.release}'
    yield f'programs: {", ".join(proof.programs)}'
    yield f'reads: {", ".join(proof.evidence) or "nothing that these programs write"}'
    for result in proof.results:
        yield f'{_mark(result):<9} {result.name}' + _by(result)
        yield f'          {result.description}'
        if result.reason:
            yield f'          -> {result.reason}'
    for mutant in proof.inapplicable:
        yield f'not made  {mutant.name}: {mutant.reason}'
    for note in proof.notes:
        yield f'NOTE: {note}'
    survivors = [r.name for r in proof.scored if r.fate == 'survived']
    undecided = [r.name for r in proof.scored if r.fate == 'undecided']
    if survivors:
        yield f'survivors: {", ".join(survivors)}'
    if undecided:
        yield f'undecided: {", ".join(undecided)}'
    yield (
        f'mutation score: {100 * proof.score:.0f} % ({proof.killed} of {len(proof.scored)} '
        f'killed, {proof.killed_by_driver} of them not by the test itself; '
        f'{len(proof.inapplicable)} inapplicable) in {proof.seconds:.0f} s'
    )


def proof_document(proof: Proof) -> dict[str, Any]:
    """Return the proof as plain data."""
    return {**asdict(proof), 'killed': proof.killed, 'score': proof.score}


def proofs_json(proofs: Sequence[Proof]) -> str:
    """Return one proof as one JSON document, several as a list."""
    documents = [proof_document(proof) for proof in proofs]
    return json.dumps(documents[0] if len(documents) == 1 else documents, indent=1)


def proof_table(proof: Proof) -> str:
    """Return the fates as a table in Markdown: mutant, fate, the reason that the test gave."""
    rows: list[tuple[str, str, str]] = [
        (r.name, _mark(r).lower() + _by(r), r.reason) for r in proof.results
    ]
    rows += [(m.name, 'inapplicable', m.reason) for m in proof.inapplicable]
    lines = [
        f'# {proof.test}: {100 * proof.score:.0f} %',
        '',
        f'{proof.case} on {proof.stack} {proof.release}; nonce {proof.nonce}',
        '',
        '| mutant | fate | reason given |',
        '|---|---|---|',
        *(f'| {_cell(a)} | {b} | {_cell(c)} |' for a, b, c in rows),
    ]
    lines += [line for note in proof.notes for line in ('', f'**Note:** {note}')]
    return '\n'.join(lines) + '\n'


def _cell(text: str) -> str:
    return ' '.join(text.split()).replace('|', '\\|')


def score_line(proof: Proof) -> str:
    """Return test and score on one line."""
    missed = [r.name for r in proof.scored if r.fate != 'killed']
    noted = ' (see its NOTE)' if proof.notes else ''
    return f'{100 * proof.score:5.0f} %  {proof.test}{noted}' + (
        f': {", ".join(missed)}' if missed else ''
    )
