from __future__ import annotations

from io import StringIO

import pytest
import report_factory as factory
from rich.console import Console

from eessi_validate.report import print_report, render_terminal


def test_verdict_subject_and_counters_come_first():
    lines = render_terminal(factory.rejected()).splitlines()
    assert lines[0] == 'REJECT  tarball local.eessi.io 2025.06'
    assert lines[1] == factory.DIGEST
    assert lines[3].startswith('planned 12, ran 10, passed 6, new failures 2, known 1, lost')


def test_the_matrix_of_three_targets_fits_in_80_columns():
    lines = render_terminal(factory.rejected()).splitlines()
    (gromacs,) = [line.split() for line in lines if line.startswith('GROMACS/ ')]
    assert gromacs == ['GROMACS/', 'pass', '2', 'of', '2', 'FAIL', 'pass,', '1', 'flaky']
    matrix = lines[: next(i for i, line in enumerate(lines) if 'cases to look at' in line)]
    assert max(map(len, matrix)) <= 80


def test_only_what_needs_action_is_told_in_full():
    text = render_terminal(factory.rejected())
    assert '5 cases to look at' in text
    assert 'Total energy is -15.79 Ry' not in text
    assert 'Conserved energy drifts' in text
    assert (
        "reproduce: reframe -C configs/local.py -c implementations -r -n '/EESSI_OSU_coll'" in text
    )


def test_a_run_of_nothing_does_not_look_like_success():
    text = render_terminal(factory.held())
    assert text.startswith('HOLD')
    assert 'Nothing to run is never a pass' in text
    assert 'name conflict' in text


def test_states_are_words_without_colour():
    text = render_terminal(factory.rejected())
    for word in (
        'pass',
        'FAIL',
        'ERROR',
        'SKIP',
        'MISSING',
        'ABORTED',
        'known',
        'flaky',
        'emulated',
    ):
        assert word in text
    assert '\x1b' not in text


def test_untrusted_text_sends_nothing_to_the_terminal():
    stream = StringIO()
    print_report(factory.hostile(30), Console(file=stream, force_terminal=True, color_system=None))
    assert '\x1b' not in stream.getvalue()
    assert '\x07' not in stream.getvalue()


@pytest.mark.parametrize('width', [20, 40, 200])
def test_it_prints_at_any_width(width):
    assert render_terminal(factory.rejected(), width).startswith('REJECT')


def test_an_ascii_only_terminal_gets_the_report():
    class Ascii(StringIO):
        encoding = 'ascii'

    stream = Ascii()
    print_report(factory.accepted(), Console(file=stream, width=80))
    stream.getvalue().encode('ascii')


def test_two_thousand_cases_stay_readable():
    lines = render_terminal(factory.many(2000)).splitlines()
    assert len(lines) < 300
    assert '330 more modules passed wherever planned.' in lines
