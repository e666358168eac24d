"""Ways in which Horovod can be broken, and what the verdict must say about each."""

from __future__ import annotations

import python_programs as broken
from faults import Application, Fault

HOROVOD = ('--test', 'EESSI_Horovod_DistributedTraining', '--scale', 'cores_2')
TWICE = (*HOROVOD, '--repeat', '2')
_PROGRAM = 'horovod_program'
_INIT = 'horovod/tensorflow/__init__.py'
_OWN = 'ranks/RANK.json'


def _after_sound(name: str, result: str) -> str:
    """Lines that replace a function by one that changes what the sound one returns."""
    body = f'    r = _sound_{name}(*a, **k)\n    {result}'
    return f'_sound_{name} = {name}\ndef {name}(*a, **k):\n{body}'


FAULTS = (
    Fault('stub', broken.stub('all tests passed'), r'no rank wrote its report', HOROVOD),
    Fault(
        'crash of rank 1 after the result',
        broken.crash_after_result(_PROGRAM, 1),
        r'signal 11|SIGSEGV',
        HOROVOD,
    ),
    Fault(
        'status 3 of rank 1 after the result',
        broken.status_after_result(_PROGRAM, 1),
        r'exit status 3',
        HOROVOD,
    ),
    Fault(
        'allreduce in single precision',
        broken.append(
            'Horovod',
            _INIT,
            _after_sound('allreduce', 'return tf.cast(tf.cast(r, tf.float32), r.dtype)'),
        ),
        r'wrong data on rank \d: allreduce of float64: element',
        HOROVOD,
    ),
    Fault(
        'mean in place of the sum',
        broken.append('Horovod', _INIT, _after_sound('allreduce', 'return r // 2')),
        r'wrong data on rank 0: allreduce of float64: element',
        HOROVOD,
    ),
    Fault(
        'fused tensors change places',
        broken.append('Horovod', _INIT, _after_sound('grouped_allreduce', 'return r[::-1]')),
        r'wrong data on rank \d: grouped allreduce 0',
        HOROVOD,
    ),
    Fault(
        'gradients are not averaged',
        broken.append(
            'Horovod',
            _INIT,
            'DistributedGradientTape = lambda tape, *a, **k: tape',
        ),
        r'the averaged gradient differs by .* from that of one process',
        HOROVOD,
    ),
    Fault(
        'gradients in half precision',
        broken.edit(
            'Horovod', _INIT, 'compression=Compression.none', 'compression=Compression.fp16'
        ),
        r'wrong data|the averaged gradient differs',
        HOROVOD,
    ),
    Fault(
        'weights are not broadcast',
        broken.append('Horovod', _INIT, 'broadcast_variables = lambda *a, **k: None'),
        r'the averaged gradient differs by .* from that of one process',
        HOROVOD,
    ),
    Fault(
        'weights off by 1e-9 on rank 1',
        broken.change(_PROGRAM, 'ranks/1.json', 'r["weights"][2] *= 1 + 1e-9', 1),
        r'rank 1: the vector of weights after 6 steps differs',
        HOROVOD,
    ),
    Fault('report lost', broken.drop(_PROGRAM, 'ranks/1.json', 1), r'1 rank\(s\) rep', HOROVOD),
    Fault('one rank', broken.one_rank_only, r'reports 1 rank\(s\), asked for 2', HOROVOD),
    Fault(
        'missing library',
        broken.missing('Horovod', 'horovod/tensorflow/mpi_lib*.so'),
        r'mpi_lib',
        HOROVOD,
    ),
    Fault(
        'played back',
        broken.played_back(_OWN, 'input.json'),
        r"does not reflect this run's nonce",
        TWICE,
    ),
    Fault(
        'played back with the right nonce',
        broken.played_back(_OWN, 'input.json', nonce=True),
        r'wrong data on rank 0',
        TWICE,
    ),
)

APPLICATION = Application(
    'Horovod',
    'python',
    FAULTS,
    sound=(HOROVOD,),
    always=0,
)
