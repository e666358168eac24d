"""Answers of a scripted session, recorded with IPython 8.5, 8.35 and 9.18 (with a kernel)."""

from __future__ import annotations

from pathlib import Path

import pytest

from eessi_library.ipython.cells import kernel_program, make_cells
from eessi_library.ipython.transcript import answers, value

RECORDED = Path(__file__).with_name('recorded')
NONCES = {'8.5': '00112233445566aa', '8.35': 'ffeeddccbbaa9988', '9.18': '0123456789abcdef'}


def transcript(version: str) -> dict[int, str]:
    return answers((RECORDED / f'ipython-{version}.txt').read_text(encoding='utf-8'))


@pytest.mark.parametrize(('version', 'nonce'), NONCES.items())
def test_recorded_answers_are_accepted(version: str, nonce: str) -> None:
    found = transcript(version)
    wrong = [
        (cell.name, found.get(number))
        for number, cell in enumerate(make_cells(nonce), start=1)
        if not cell.accepts(found.get(number, ''))
    ]
    assert not wrong


def test_a_kernel_was_driven_where_jupyter_was_present() -> None:
    assert transcript('8.5')[29] == 'kernel absent'
    assert transcript('9.18')[29].startswith('kernel result ')


@pytest.mark.parametrize('number', range(2, 31))
def test_every_cell_rejects_an_empty_or_wrong_answer(number: int) -> None:
    cell = make_cells(NONCES['8.5'])[number - 1]
    assert not cell.accepts('Out[1]: wrong')
    assert not cell.accepts('NameError: name is not defined')
    if cell.expected:
        assert not cell.accepts('')


def test_answers_of_another_nonce_are_rejected() -> None:
    cells, found = make_cells(NONCES['8.5']), transcript('8.35')
    accepted = {c.name for n, c in enumerate(cells, start=1) if c.accepts(found[n])}
    assert not accepted & {'sum of squares', 'error traceback', 'completion', 'nonce', 'display'}


def test_traceback_without_its_arrow_is_rejected() -> None:
    cell = make_cells(NONCES['8.5'])[16]
    answer = transcript('8.5')[17]
    assert cell.accepts(answer)
    assert not cell.accepts(answer.replace('----> 3', '      3'))
    assert not cell.accepts(answer + '\nmore')


def test_control_sequences_and_continuations_are_taken_away() -> None:
    text = '\x1b[22;0t\x1b]0;IPython: x\x07In [1]: \x1b[0;31mOut[1]: \x1b[0m3\n\n'
    text += 'In [2]:    ...:    ...: a\n'
    assert answers(text) == {1: 'Out[1]: 3', 2: 'a'}
    assert value('Out[1]: 3') == '3'
    assert value('printed') == ''
    assert answers('All tests passed') == {}


def test_kernel_program_is_python() -> None:
    compile(kernel_program(NONCES['8.5']), 'kernel_program.py', 'exec')
