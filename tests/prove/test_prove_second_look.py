"""A test that overlooks perturbed numbers is asked for those that sound runs repeat."""

from __future__ import annotations

from pathlib import Path

from eessi_validate.prove.observation import Call, Observation
from eessi_validate.prove.second_look import IMPOSSIBLE, REPEATING, second_look


def observed(place: Path, printed: bytes) -> Observation:
    """A run in which ``prog 300.5`` printed something, in a job directory of its own."""
    directory = place / '--0'
    directory.mkdir(parents=True)
    (directory / 'stdout').write_bytes(printed.replace(b'STAGE', str(place).encode()))
    (directory / 'stderr').write_bytes(b'')
    call = Call(0, '/s/prog', ('300.5',), (), ('out.txt', ''), directory, stage=str(place))
    return Observation((call,), ('out.txt',), ('out.txt',), (), (), ())


def changed(mutant, observation: Observation) -> str:
    content = (observation.calls[0].directory / 'stdout').read_bytes()
    return mutant.change(content).decode()


def test_measurements_stay_and_results_are_spoiled(tmp_path: Path) -> None:
    first = observed(tmp_path / 'a', b'E -15.50 for 300.5 in 2.50 s\n')
    again = [observed(tmp_path / 'b', b'E -15.50 for 300.5 in 2.75 s\n')]
    look = second_look(first, again)
    assert look is not None
    results, measurements = look.mutants
    assert (results.name, results.advisory) == (REPEATING, False)
    assert changed(results, first) == 'E -15.66 for 300.5 in 2.50 s\n'
    assert (measurements.name, measurements.advisory) == (IMPOSSIBLE, True)
    assert changed(measurements, first) == 'E -15.50 for 300.5 in -2.50 s\n'
    assert '2 sound runs of one nonce differ by more than 0.25 % in 1 numbers' in look.note


def test_without_any_number_that_repeats_impossible_ones_count(tmp_path: Path) -> None:
    first = observed(tmp_path / 'a', b'300.5: 2.50 s\n')
    look = second_look(first, [observed(tmp_path / 'b', b'300.5: 2.75 s\n')])
    assert look is not None
    (mutant,) = look.mutants
    assert (mutant.name, mutant.advisory) == (IMPOSSIBLE, False)
    assert changed(mutant, first) == '300.5: -2.50 s\n'
    assert 'IT PROVES NOTHING OF ANY NUMBER' in look.note


def test_where_all_runs_agree_nothing_else_is_asked(tmp_path: Path) -> None:
    runs = [observed(tmp_path / name, b'STAGE/case: E -15.50\n') for name in 'ab']
    assert second_look(runs[0], runs[1:]) is None


def test_directory_of_the_job_is_no_difference(tmp_path: Path) -> None:
    first = observed(tmp_path / 'a', b'STAGE: 2.50 s\nE -15.50\n')
    look = second_look(first, [observed(tmp_path / 'b', b'STAGE: 2.75 s\nE -15.50\n')])
    assert look is not None
    assert changed(look.mutants[0], first).endswith(': 2.50 s\nE -15.66\n')


def test_call_that_was_not_repeated_excuses_nothing(tmp_path: Path) -> None:
    first = observed(tmp_path / 'a', b'2.50 s\n')
    none = observed(tmp_path / 'b', b'2.75 s\n')
    elsewhere = Observation((), none.written, none.evidence, (), (), ())
    assert second_look(first, [elsewhere]) is None
