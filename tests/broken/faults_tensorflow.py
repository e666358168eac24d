"""Ways in which TensorFlow can be broken, and what the verdict must say about each."""

from __future__ import annotations

import python_programs as broken
from faults import Application, Fault

TRAINING = ('--test', 'EESSI_TensorFlow_Training', '--scale', 'cores_2')
WORKERS = ('--test', 'EESSI_TensorFlow_SeveralWorkers', '--scale', 'cores_2')
TWICE = ('--repeat', '2')
_PROGRAM, _RESULT = 'tensorflow_program', 'result.json'
_WORKER, _OWN = 'workers_program', 'ranks/RANK.json'

FAULTS = (
    Fault(
        'stub that prints success',
        broken.stub('TensorFlow 2.15.1: result.json written'),
        r'did not write result\.json',
        TRAINING,
    ),
    Fault(
        'crash after the result',
        broken.crash_after_result(_PROGRAM),
        r'signal 11|SIGSEGV',
        TRAINING,
    ),
    Fault('status 3', broken.status_after_result(_PROGRAM), r'exit status 3', TRAINING),
    Fault(
        'one element off by 1e-6',
        broken.change(_PROGRAM, _RESULT, 'r["float64"]["matmul"][0][0] *= 1.000001'),
        r'matmul in float64 is wrong in 1 of \d+ elements: element 0',
        TRAINING,
    ),
    Fault(
        'missing library',
        broken.missing('TensorFlow', 'tensorflow/libtensorflow_framework.so.2'),
        r'ImportError: libtensorflow_framework\.so\.2',
        TRAINING,
    ),
    Fault(
        'recorded result',
        broken.played_back(_RESULT, 'input.json'),
        r"does not reflect this run's nonce",
        (*TRAINING, *TWICE),
    ),
    Fault(
        'recorded result with the right nonce',
        broken.played_back(_RESULT, 'input.json', nonce=True),
        r'matmul in float32 is wrong',
        (*TRAINING, *TWICE),
    ),
    Fault(
        'derivative of tanh off by 1e-5',
        broken.edit(
            'TensorFlow',
            'tensorflow/python/ops/math_grad.py',
            'return gen_math_ops.tanh_grad(y, grad)',
            'return gen_math_ops.tanh_grad(y, grad) * 1.00001',
        ),
        r'gradient of the kernel is off by',
        TRAINING,
    ),
    Fault(
        'softmax off by 1e-5',
        broken.edit(
            'TensorFlow',
            'tensorflow/python/ops/nn_ops.py',
            'return _wrap_2d_function(logits, gen_nn_ops.softmax, axis, name)',
            'return 1.00001 * _wrap_2d_function(logits, gen_nn_ops.softmax, axis, name)',
        ),
        r'softmax in float32 is wrong',
        TRAINING,
    ),
    Fault(
        'optimizer that does not move',
        broken.edit(
            'TensorFlow',
            'keras/src/optimizers/adam.py',
            'lr = tf.cast(self.learning_rate, variable.dtype)',
            'lr = 1e-6 * tf.cast(self.learning_rate, variable.dtype)',
        ),
        r'the network did not learn',
        TRAINING,
    ),
    Fault('workers: stub', broken.stub('OK'), r'no rank wrote its report', WORKERS),
    Fault(
        'workers: crash of one after the result',
        broken.crash_after_result(_WORKER, 1),
        r'signal 11|SIGSEGV',
        WORKERS,
    ),
    Fault(
        'workers: weights off by 1e-9',
        broken.change(_WORKER, 'ranks/1.json', 'r["weights"][0] += 1e-9', 1),
        r'rank 1: the vector of weights after 6 steps differs',
        WORKERS,
    ),
    Fault(
        'workers: mean in place of the sum',
        broken.edit(
            'TensorFlow',
            'tensorflow/python/distribute/distribute_lib.py',
            'has_indexed_slices = True\n\n    if ',
            'has_indexed_slices = True\n\n    reduce_op = reduce_util.ReduceOp.MEAN\n    if ',
        ),
        r'wrong data on rank 0: all_reduce: element',
        WORKERS,
    ),
    Fault('workers: one', broken.one_rank_only, r'reports 1 rank\(s\), asked for 2', WORKERS),
    Fault(
        'workers: played back',
        broken.played_back(_OWN, 'input.json'),
        r"does not reflect this run's nonce",
        (*WORKERS, *TWICE),
    ),
    Fault(
        'workers: played back with the right nonce',
        broken.played_back(_OWN, 'input.json', nonce=True),
        r'wrong data on rank 0',
        (*WORKERS, *TWICE),
    ),
)

APPLICATION = Application(
    'TensorFlow',
    'python',
    FAULTS,
    sound=(TRAINING, WORKERS),
    always=0,
)
