"""Ways in which TensorFlow can be broken, and what the verdict must say about each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from faults import Fault
from tampering import Tampering

TRAINING = ('--test', 'EESSI_TensorFlow_Training', '--scale', 'cores_2')


def _python(stack: Tampering) -> Path:
    return stack.installation('Python') / 'bin' / 'python3'


def _site(stack: Tampering) -> Path:
    (site,) = stack.installation('TensorFlow').glob('lib/python3.*/site-packages')
    return site


def _edit(file: str, old: str, new: str) -> Callable[[Tampering], None]:
    """Change the source of a sound module; Python compiles it anew."""

    def apply(stack: Tampering) -> None:
        path = _site(stack) / file
        if old not in path.read_text(encoding='utf-8'):
            raise RuntimeError(f'{file} has no {old!r}: this fault needs another place')
        for code in path.parent.glob(f'__pycache__/{path.stem}.*.pyc'):
            stack.remove(code)
        stack.edit(path, lambda text: text.replace(old, new))

    return apply


def _stub(stack: Tampering) -> None:
    shell = stack.compat / 'usr/bin/bash'
    stack.replace(_python(stack), f'#!{shell}\necho TensorFlow 2.15.1: result.json written\n')


def _crash_after_result(stack: Tampering) -> None:
    stack.wrap(_python(stack), after='case "$*" in *tensorflow_program*) kill -SEGV $$;; esac')


def _wrong_digit(stack: Tampering) -> None:
    """Add one unit in the sixth digit to the first element of the matrix product."""
    change = (
        'import json; r = json.load(open("result.json")); '
        'r["float64"]["matmul"][0][0] *= 1.000001; json.dump(r, open("result.json", "w"))'
    )
    stack.wrap(_python(stack), after=f'[ $status = 0 ] && "$real" -c \'{change}\'')


def _missing_library(stack: Tampering) -> None:
    stack.remove(_site(stack) / 'tensorflow' / 'libtensorflow_framework.so.2')


def _recorded(stack: Tampering) -> None:
    recorded = stack.release / 'recorded-tensorflow'
    if not recorded.is_dir():
        raise RuntimeError('record a sound run first')
    stack.wrap(_python(stack), call=f'cp {recorded}/result.json .')


def _recorded_with_nonce(stack: Tampering) -> None:
    """As above, but the recording carries the nonce of this run."""
    recorded = stack.release / 'recorded-tensorflow'
    nonce = r'nonce=$(grep -oE "\"nonce\": \"[0-9a-f]+\"" input.json)'
    copy = f'sed -E "s/\\"nonce\\": \\"[0-9a-f]+\\"/$nonce/" {recorded}/result.json >result.json'
    stack.wrap(_python(stack), call=f'{nonce}; {copy}')


FAULTS = (
    Fault('stub that prints success', _stub, r'did not write result\.json', TRAINING),
    Fault('crash after the result', _crash_after_result, r'signal 11|SIGSEGV', TRAINING),
    Fault(
        'one element off by 1e-6',
        _wrong_digit,
        r'matmul in float64 is wrong in 1 of \d+ elements: element 0',
        TRAINING,
    ),
    Fault(
        'missing library',
        _missing_library,
        r'ImportError: libtensorflow_framework\.so\.2',
        TRAINING,
    ),
    Fault('recorded result', _recorded, r"does not reflect this run's nonce", TRAINING),
    Fault(
        'recorded result with the right nonce',
        _recorded_with_nonce,
        r'matmul in float32 is wrong',
        TRAINING,
    ),
    Fault(
        'derivative of tanh off by 1e-5',
        _edit(
            'tensorflow/python/ops/math_grad.py',
            'return gen_math_ops.tanh_grad(y, grad)',
            'return gen_math_ops.tanh_grad(y, grad) * 1.00001',
        ),
        r'gradient of the kernel is off by',
        TRAINING,
    ),
    Fault(
        'softmax off by 1e-5',
        _edit(
            'tensorflow/python/ops/nn_ops.py',
            'return _wrap_2d_function(logits, gen_nn_ops.softmax, axis, name)',
            'return 1.00001 * _wrap_2d_function(logits, gen_nn_ops.softmax, axis, name)',
        ),
        r'softmax in float32 is wrong',
        TRAINING,
    ),
    Fault(
        'optimizer that does not move',
        _edit(
            'keras/src/optimizers/adam.py',
            'lr = tf.cast(self.learning_rate, variable.dtype)',
            'lr = 1e-6 * tf.cast(self.learning_rate, variable.dtype)',
        ),
        r'the network did not learn',
        TRAINING,
    ),
)
