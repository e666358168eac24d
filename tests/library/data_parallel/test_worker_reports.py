"""Reports of workers, recorded with TensorFlow 2.15 and 2.21 and with Horovod 0.28.1 on both."""

import json
from pathlib import Path

import pytest

from eessi_library.data_parallel import collectives
from eessi_library.data_parallel.report import ReportError, parse_report
from eessi_library.data_parallel.training import TOLERANCE, draw, largest_difference
from eessi_library.mpi.pattern import portion, unequal_counts
from eessi_library.mpi.report import difference

RECORDED = Path(__file__).parent / 'recorded'
NONCE = '00112233445566aa'
TENSORFLOW = ('tensorflow-2.15.1', 'tensorflow-2.21.0')
HOROVOD = tuple(f'horovod-0.28.1-{version}' for version in TENSORFLOW)
ELEMENTS = 5000


def text(version: str, rank: int = 0) -> str:
    return (RECORDED / f'{version}-rank{rank}.json').read_text()


@pytest.mark.parametrize('version', [*TENSORFLOW, *HOROVOD])
@pytest.mark.parametrize('rank', [0, 1])
def test_recorded_workers_trained_as_one_process_does(version, rank):
    report = parse_report(text(version, rank))
    one = draw(NONCE, 2, 16, 6)
    assert all(part in report.version for part in version.split('-')[1::2])
    assert (report.nonce, report.rank, report.ranks) == (NONCE, rank, 2)
    assert report.transport == ('MPI' if 'horovod' in version else 'gRPC')
    assert largest_difference(report.local_gradient, one.local_gradient(rank, 2)) <= TOLERANCE
    assert largest_difference(report.gradient, one.first_gradient()) <= TOLERANCE
    assert largest_difference(report.weights, one.weights()) <= TOLERANCE


@pytest.mark.parametrize('version', HOROVOD)
@pytest.mark.parametrize('rank', [0, 1])
def test_recorded_ranks_of_horovod_hold_the_closed_forms(rank, version):
    found = parse_report(text(version, rank)).operations
    exact = {
        name: collectives.allreduce(NONCE, name, 2, ELEMENTS)
        for name in ('allreduce of float64', *(f'grouped allreduce {i}' for i in range(3)))
    }
    name = 'allreduce of int64'
    exact[name] = collectives.allreduce(NONCE, name, 2, ELEMENTS, 'q')
    exact['broadcast'] = collectives.broadcast(NONCE, 'broadcast', 2, ELEMENTS)
    exact['allgather'] = collectives.allgather(NONCE, 'allgather', unequal_counts(ELEMENTS, 2))
    exact['alltoall'] = collectives.alltoall(NONCE, 'alltoall', rank, 2, portion(ELEMENTS, 2))
    assert set(found) == set(exact)
    assert [difference(n, found[n], received) for n, received in exact.items()] == [None] * 8


@pytest.mark.parametrize('version', TENSORFLOW)
def test_recorded_workers_of_tensorflow_hold_the_closed_forms(version):
    found = parse_report(text(version)).operations
    gathered = collectives.allgather(NONCE, 'gather', [ELEMENTS // 2] * 2)
    assert difference('gather', found['gather'], gathered) is None
    added = collectives.allreduce(NONCE, 'all_reduce', 2, ELEMENTS)
    assert difference('all_reduce', found['all_reduce'], added) is None


def test_the_closed_forms_of_another_nonce_are_others():
    found = parse_report(text(HOROVOD[0])).operations['broadcast']
    other = collectives.broadcast('f' * 16, 'broadcast', 2, ELEMENTS)
    assert 'broadcast' in (difference('broadcast', found, other) or '')


@pytest.mark.parametrize(
    ('change', 'said'),
    [
        (lambda d: d.pop('weights'), "no 'weights'"),
        (lambda d: d.update(gradient=[float('nan')]), 'not finite'),
        (lambda d: d.update(weights='all well'), 'something else than numbers'),
        (lambda d: d.update(weights=[True]), 'something else than numbers'),
        (lambda d: d['timings'].update(step_ms=0), 'not a positive number'),
        (lambda d: d.update(operations=[]), 'cannot be read'),
    ],
)
def test_what_is_wrong_is_named(change, said):
    data = json.loads(text(HOROVOD[0]))
    change(data)
    with pytest.raises(ReportError, match=said):
        parse_report(json.dumps(data))


@pytest.mark.parametrize('other', ['', '[]', '{', 'null'])
def test_what_is_no_report_is_refused(other):
    with pytest.raises(ReportError):
        parse_report(other)
