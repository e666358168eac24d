"""The cells of the scripted session and what each must answer. Pure, drawn from the nonce.

Answers are exact: they follow from arithmetic (sum of squares, Archimedes: n (n + 1) (2 n + 1) / 6)
and from IPython's documented behaviour ("Built-in magic commands", "Integrating your objects with
IPython"), which has been the same from IPython 7 to 9.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from eessi_library.ipython.transcript import value
from eessi_library.nonce import integer


@dataclass(frozen=True)
class Cell:
    """One input of the session."""

    name: str
    source: str
    #: What the answer must be, for the reader.
    expected: str
    accepts: Callable[[str], bool]


def _shows(name: str, source: str, expected: object) -> Cell:
    """A cell whose displayed value is exactly ``expected``."""
    text = str(expected)
    return Cell(name, source, text, lambda answer: value(answer) == text)


def _prints(name: str, source: str, expected: str) -> Cell:
    """A cell that prints exactly ``expected`` and displays nothing."""
    return Cell(name, source, expected, lambda answer: answer == expected)


def _multiline(source: str) -> str:
    """Return a cell of several lines as one line that runs it, cell magics included."""
    return f'ran = get_ipython().run_cell({source!r})'


def make_cells(nonce: str) -> list[Cell]:
    """Return the cells of one session; their first answers depend on the nonce."""
    n = integer(nonce, 'ipython', 1000, 9999)
    word = f'w{nonce}'
    total = (n - 1) * n * (2 * n - 1) // 6
    mime = [('text/html', f'<b>{n}</b>'), ('text/plain', f'plain-{n}')]
    kept = f'kept-{word}\n'
    return [
        Cell(
            'start-up',
            'import asyncio, os, time; '
            "print('startup', time.time() - float(os.environ['SESSION_STARTED']))",
            'startup and seconds',
            lambda answer: re.fullmatch(r'startup \d+\.\d+', answer) is not None,
        ),
        _shows('sum of squares', f'sum(k * k for k in range({n}))', total),
        _shows('last result', '_ * 2', 2 * total),
        _shows('numbered results', 'Out[2] + _2 - _ + len(In)', 5),
        _shows('%precision', '%precision 5', "'%.5f'"),
        _shows('display of floats', f'{n} / 7', f'{n / 7:.5f}'),
        _prints('shell capture', f'captured = !echo shell-{word}', ''),
        _shows('captured lines', 'captured', f"['shell-{word}']"),
        _prints(
            '%%writefile',
            _multiline(f'%%writefile module_{word}.py\nprint("ran", {n} + 1)\nleft = {n}'),
            f'Writing module_{word}.py',
        ),
        _prints('%run', f'%run module_{word}.py', f'ran {n + 1}'),
        _shows('variables of %run', 'left * 3', 3 * n),
        _prints('%%capture', _multiline(f'%%capture kept\nprint("kept-{word}")'), ''),
        _shows('captured output', 'kept.stdout', repr(kept)),
        _prints('%timeit', 'calls = []; get_ipython().run_line_magic("timeit", '
                '"-q -n 3 -r 2 calls.append(1)")', ''),
        _shows('runs of %timeit', 'len(calls)', 6),
        _prints(
            'function',
            _multiline(
                f'def fail_{word}(value):\n    shifted = value - {n}\n    return 5 / shifted'
            ),
            '',
        ),
        Cell(
            'error traceback',
            f'fail_{word}({n})',
            'a traceback with an arrow at "return 5 / shifted" and ZeroDivisionError',
            lambda answer: _is_traceback(answer, word, n),
        ),
        _shows('session after an error', f'fail_{word}({n + 4})', f'{5 / 4:.5f}'),
        _shows('%who_ls', '%who_ls function', f"['fail_{word}']"),
        _prints('completer', '%config Completer.use_jedi = False', ''),
        _shows('completion', f"get_ipython().complete('fail_{word[:5]}')[1]", f"['fail_{word}']"),
        _shows(
            'completion of attributes', "'capi' in ' '.join(get_ipython().complete('str.capi')[1])",
            True,
        ),
        _prints(
            'class',
            _multiline(
                f'class Show:\n    def __repr__(self): return "plain-{n}"\n'
                f'    def _repr_html_(self): return "<b>{n}</b>"'
            ),
            '',
        ),
        _shows('representation', 'Show()', f'plain-{n}'),
        _shows(
            'rich representation',
            'formatter = get_ipython().display_formatter; '
            "formatter.active_types = ['text/plain', 'text/html']; "
            'sorted(formatter.format(Show())[0].items())',
            mime,
        ),
        _prints('display', f"display({{'text/plain': 'raw-{word}'}}, raw=True)", f'raw-{word}'),
        _prints('%history', '%history 3', '_ * 2'),
        _shows('await at top level', f"await asyncio.sleep(0, result='slept-{word}')",
               f"'slept-{word}'"),
        Cell(
            'kernel',
            '%run kernel_program.py',
            f'kernel absent, or its answers to nonce {nonce}',
            lambda answer: _is_kernel(answer, word, total, n),
        ),
        _shows('nonce', repr(nonce), repr(nonce)),
    ]  # fmt: skip


def _is_traceback(answer: str, word: str, n: int) -> bool:
    lines = answer.splitlines()
    arrows = [line.strip() for line in lines if '-> ' in line]
    return (
        bool(lines)
        and lines[-1] == 'ZeroDivisionError: division by zero'
        and 'Traceback (most recent call last)' in answer
        and any(re.fullmatch(rf'-+> 1 fail_{word}\({n}\)', line) for line in arrows)
        and any(re.fullmatch(r'-+> 3 +return 5 / shifted', line) for line in arrows)
    )


def _is_kernel(answer: str, word: str, total: int, n: int) -> bool:
    expected = [
        f'kernel result {total}',
        f"kernel completion ['fail_{word}']",
        f'kernel error ZeroDivisionError: division by zero at value {n}',
        f'kernel stream said-{word}',
        'kernel status ok ok error ok',
    ]
    return answer == 'kernel absent' or answer.splitlines() == expected


def kernel_program(nonce: str) -> str:
    """Return a program that drives a kernel with jupyter_client, if both are installed.

    What its metadata name but cannot be imported is broken, not absent.
    """
    n = integer(nonce, 'ipython', 1000, 9999)
    word = f'w{nonce}'
    return f"""\
import importlib.util
import sys
from importlib import metadata


def installed(name):
    return importlib.util.find_spec(name) or any(metadata.distributions(name=name))


if not all(installed(name) for name in ('jupyter_client', 'ipykernel')):
    print('kernel absent')
    sys.exit(0)
from jupyter_client.manager import start_new_kernel

manager, client = start_new_kernel(startup_timeout=60)
found, statuses = {{}}, []


def note(message):
    content = message['content']
    if message['msg_type'] == 'execute_result':
        found['result'] = content['data']['text/plain']
    elif message['msg_type'] == 'error':
        found['error'] = content['ename'] + ': ' + content['evalue']
    elif message['msg_type'] == 'stream':
        found['stream'] = content['text'].strip()


sources = (
    'sum(k * k for k in range({n}))',
    'def fail_{word}(value):\\n    return 5 / (value - {n})',
    'fail_{word}({n})',
    'print("said-{word}")',
)
try:
    for source in sources:
        reply = client.execute_interactive(
            source, timeout=60, output_hook=note, stop_on_error=False
        )
        statuses.append(reply['content']['status'])
    code = 'fail_{word[:5]}'
    reply = client.complete(code, len(code), reply=True, timeout=60)
    print('kernel result', found.get('result'))
    print('kernel completion', reply['content']['matches'])
    print('kernel error', found.get('error'), 'at value {n}')
    print('kernel stream', found.get('stream'))
    print('kernel status', *statuses)
finally:
    client.stop_channels()
    manager.shutdown_kernel()
"""
