"""An interactive session whose every answer is known."""

from __future__ import annotations

import re
from typing import ClassVar

from reframe.core.builtins import performance_function, run_before, sanity_function
from reframe.core.exceptions import SanityError

from eessi_library.expect import expect
from eessi_library.ipython.cells import kernel_program, make_cells
from eessi_library.ipython.transcript import answers
from eessi_library.python_program import PythonProgramTest


class ScriptedSession(PythonProgramTest, pin_prefix=True):
    """Magics, display, completion, an error traceback and, where present, a Jupyter kernel.

    Every answer is compared word by word with what :mod:`eessi_library.ipython.cells` expects.
    """

    #: IPython's terminal program.
    executable = 'ipython3'

    kind = 'functional'
    launched = False

    varies = 'numbers and names of the whole session; the nonce is echoed by the last cell'
    truths: ClassVar[dict[str, str]] = {
        'arithmetic': 'sum of squares n (n + 1) (2 n + 1) / 6',
        'behaviour': "IPython's documentation of magics, display, completion and tracebacks",
        'kernel': 'the same numbers through the Jupyter protocol (only where installed)',
    }
    directions: ClassVar[dict[str, str]] = {'startup': 'lower'}

    @run_before('run')
    def write_input(self) -> None:
        """Write the session and start IPython with a profile of its own."""
        cells = make_cells(self.nonce)
        self.write('session.txt', '\n'.join([*(c.source for c in cells), 'exit()', '']))
        self.write('kernel_program.py', kernel_program(self.nonce))
        self.prerun_cmds += [
            'export IPYTHONDIR="$PWD/profile" JUPYTER_RUNTIME_DIR="$PWD/runtime"',
            'export SESSION_STARTED="$(date +%s.%N)"',
        ]
        self.executable_opts = [
            '--simple-prompt', '--colors=NoColor', '--no-banner', '--no-confirm-exit',
            '<', 'session.txt', '>', 'transcript.txt',
        ]  # fmt: skip

    @sanity_function
    def every_answer_is_right(self) -> bool:
        """Judge the run by its end, its nonce and every answer, in that order."""
        self.expect_clean_end()
        found = answers(self.require_output('transcript.txt'))
        cells = make_cells(self.nonce)
        expect(bool(found), 'transcript.txt has no prompt "In [1]:": this was no IPython session')
        last = found.get(len(cells), '')
        expect(
            self.nonce in last,
            f"transcript.txt does not reflect this run's nonce: cell {len(cells)} answers {last!r}",
        )
        for number, cell in enumerate(cells, start=1):
            answer = found.get(number)
            expect(answer is not None, f'cell {number} ({cell.name}) was never asked for')
            expect(
                cell.accepts(answer or ''),
                f'cell {number} ({cell.name}) answers {_shortened(answer or "")!r}, '
                f'expected {_shortened(cell.expected)!r}',
            )
        return True

    @performance_function('s')
    def startup(self) -> float:
        """Wall time from the start of the program to the first answer."""
        found = re.search(r'startup (\d+\.\d+)', self.require_output('transcript.txt'))
        if found is None:
            raise SanityError('transcript.txt has no start-up time')
        return float(found[1])


def _shortened(text: str) -> str:
    return text if len(text) <= 160 else f'{text[:80]} ... {text[-75:]}'
