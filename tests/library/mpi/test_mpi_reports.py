"""Reports of ranks, by Open MPI 4.1.4 and 5.0.7 and through mpi4py, and what they must contain."""

from __future__ import annotations

import json
from array import array
from pathlib import Path

import pytest

from eessi_library.mpi import pattern
from eessi_library.mpi.expected import Expected, Received
from eessi_library.mpi.report import (
    RankReport,
    ReportError,
    difference,
    error_message,
    not_injected,
    parse_report,
)

RECORDED = Path(__file__).parent / 'recorded'


def _text(version: str = '4.1.4', rank: int = 0, through: str = 'openmpi') -> str:
    return (RECORDED / f'{through}-{version}-rank{rank}.json').read_text()


@pytest.mark.parametrize('through', ['openmpi', 'mpi4py'])
@pytest.mark.parametrize('version', ['4.1.4', '5.0.7'])
@pytest.mark.parametrize('rank', [0, 1])
def test_recorded_ranks_received_what_the_standard_says(
    version: str, rank: int, through: str
) -> None:
    report = parse_report(_text(version, rank, through))
    assert (report.rank, report.ranks) == (rank, 2)
    assert report.version == version
    expected = Expected(report.nonce, ranks=2, elements=10_000).of(rank)
    assert set(report.operations) == set(expected)
    for name, received in expected.items():
        assert difference(name, report.operations[name], received) is None


def test_version_is_that_of_the_library_not_of_its_source() -> None:
    text = _text().replace('Open MPI v4.1.4', 'Open MPI v4.1.99')
    assert 'repo rev: v4.1.4' in text
    assert parse_report(text).version == '4.1.99'
    assert parse_report(text.replace('Open MPI', 'MPICH')).version == ''


def test_report_of_one_run_does_not_fit_the_nonce_of_another() -> None:
    report = parse_report(_text())
    expected = Expected('0123456789abcdef', ranks=2, elements=10_000).of(0)
    unlike = [n for n, e in expected.items() if difference(n, report.operations[n], e)]
    # A counter does not depend on the data, and may have the same root.
    assert set(expected) - set(unlike) <= {'fetch_and_op', 'accumulate'}


def test_difference_names_element_and_values() -> None:
    report = parse_report(_text())
    name = 'allreduce sum'
    values = array('d', Expected(report.nonce, 2, 10_000).of(0)[name].data)
    values[0] *= 1.001
    told = difference(name, report.operations[name], Received(values.tobytes(), 'd'))
    assert told is not None
    assert told.startswith('allreduce sum: element 0 is ')


def test_difference_in_an_element_that_is_not_shown_is_seen() -> None:
    report = parse_report(_text())
    data = bytearray(Expected(report.nonce, 2, 10_000).of(0)['bcast'].data)
    hidden = next(i for i in range(len(data)) if i not in report.operations['bcast'].elements)
    data[hidden] ^= 1
    assert 'SHA-256' in str(difference('bcast', report.operations['bcast'], Received(bytes(data))))


def test_missing_operation_and_missing_bytes_are_told() -> None:
    assert difference('put', None, Received(b'1')) == 'put: not reported'
    record = parse_report(_text()).operations['put']
    assert '80000 bytes received, 3 expected' in str(difference('put', record, Received(b'abc')))


@pytest.mark.parametrize('ranks', [1, 2, 3, 5, 8])
def test_what_is_sent_to_all_is_received_once(ranks: int) -> None:
    expected = Expected('nonce', ranks, elements=40, bandwidth_bytes=8)
    received = b''.join(expected.of(rank)['alltoall'].data for rank in range(ranks))
    part = 8 * pattern.portion(40, ranks)
    sent = b''.join(
        pattern.payload('nonce', 'alltoall', rank, part * ranks) for rank in range(ranks)
    )
    assert sorted(received) == sorted(sent)
    assert len({expected.of(rank)['allgather'].data for rank in range(ranks)}) == 1


@pytest.mark.parametrize('ranks', [1, 2, 3, 5, 8])
def test_closed_forms_are_the_sums_over_the_ranks(ranks: int) -> None:
    expected = Expected('nonce', ranks, elements=6, bandwidth_bytes=8)
    base = pattern.numbers('nonce', 'allreduce sum', 6, ranks)
    summed = [float(sum((r + 1) * k for r in range(ranks))) for k in base]
    assert expected.of(0)['allreduce sum'].data == array('d', summed).tobytes()
    scanned = pattern.numbers('nonce', 'scan', 6, ranks)
    for rank in range(ranks):
        partial = [sum((r + 1) * k for r in range(rank + 1)) for k in scanned]
        assert expected.of(rank)['scan'].data == array('q', partial).tobytes()
    whole = b''.join(expected.of(rank)['reduce_scatter'].data for rank in range(ranks))
    assert len(whole) == 8 * sum(pattern.unequal_counts(6, ranks))


@pytest.mark.parametrize('ranks', [1, 2, 100, 4096, 100_000])
def test_sums_are_exact_in_float64_and_not_in_single_precision(ranks: int) -> None:
    largest = max(pattern.numbers('nonce', 'x', 1000, ranks)) * pattern.triangle(ranks)
    assert largest < 2**53
    assert ranks > 4096 or largest > 2**40


@pytest.mark.parametrize(
    'text',
    [
        '',
        'all ranks finished',
        '[]',
        json.dumps({'nonce': 'x'}),
        _text().replace('"latency_us": ', '"latency_us": -'),
        _text().replace('"latency_us": ', '"latency_us": NaN, "x": '),
    ],
)
def test_something_else_than_a_report_is_refused(text: str) -> None:
    with pytest.raises(ReportError):
        parse_report(text)


def test_messages_of_probe_and_library_are_kept() -> None:
    assert error_message('x\nmpi-probe: OSError: no libmpi\n') == 'OSError: no libmpi'
    told = '[node:1] *** MPI_ERR_TRUNCATE: message truncated\n'
    assert error_message(told) == 'MPI_ERR_TRUNCATE: message truncated'
    assert error_message('all is well\n') is None


SITE = '/stack/host_injections/lib'


def _rank(libraries: list[str], offered: list[str]) -> RankReport:
    raw = json.loads(_text())
    return parse_report(json.dumps({**raw, 'libraries': libraries, 'offered': offered}))


def test_rank_with_the_mpi_of_the_site_alone_is_right() -> None:
    both = [f'{SITE}/libmpi.so.40.30.4', f'{SITE}/libopen-rte.so.40.30.2']
    assert not_injected(_rank(both, both), SITE) is None
    # The site brings MPI only, with its own run-time layers elsewhere.
    assert not_injected(_rank([both[0], '/opt/libopen-pal.so.80'], both[:1]), SITE) is None


@pytest.mark.parametrize(
    ('libraries', 'offered', 'fault'),
    [
        (['/own/libmpi.so.40'], [], 'finds no MPI of the site in'),
        (['/own/libmpi.so.40'], ['/site/libopen-rte.so.40'], 'finds no MPI of the site in'),
        (['/own/libmpi.so.40'], ['/site/libmpi.so.40'], 'has loaded /own/libmpi.so.40, not the'),
        (
            ['/site/libmpi.so.40', '/own/libopen-rte.so.40'],
            ['/site/libmpi.so.40', '/site/libopen-rte.so.40'],
            'has loaded /own/libopen-rte.so.40, not the',
        ),
        (
            ['/own/libmpi.so.40', '/site/libmpi.so.40'],
            ['/site/libmpi.so.40'],
            'has loaded /own/libmpi.so.40, not the',
        ),
        ([], ['/site/libmpi.so.40'], 'has loaded no MPI library'),
    ],
)
def test_rank_without_the_mpi_of_the_site_is_told(
    libraries: list[str], offered: list[str], fault: str
) -> None:
    assert str(not_injected(_rank(libraries, offered), SITE)).startswith(fault)


def test_report_of_an_earlier_program_shows_no_mpi_of_the_site() -> None:
    assert 'finds no MPI of the site' in str(not_injected(parse_report(_text()), SITE))
