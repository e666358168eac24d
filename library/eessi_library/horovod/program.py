"""What runs on each rank under the Horovod of the stack: reads input.json, writes its report.

Sent to the stage directory by the library test, with ``pattern.py`` beside it. It judges nothing.
"""

import hashlib
import json
import os
import statistics
import time

begin = time.perf_counter()
with open('input.json', encoding='utf-8') as stream:
    task = json.load(stream)
if task['device'] == 'CPU':
    os.environ['CUDA_VISIBLE_DEVICES'] = '-1'
os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '2')

import horovod  # noqa: E402  (after the environment that it reads)
import horovod.tensorflow as hvd  # noqa: E402
import numpy as np  # noqa: E402
import pattern  # noqa: E402
import tensorflow as tf  # noqa: E402

hvd.init()
rank, ranks, nonce, elements = hvd.rank(), hvd.size(), task['nonce'], task['elements']
if task['device'] == 'GPU':
    devices = tf.config.list_physical_devices('GPU')
    tf.config.set_visible_devices(devices[hvd.local_rank() : hvd.local_rank() + 1], 'GPU')
tf.constant(0.0)
start_up = time.perf_counter() - begin
records = {}
# TensorFlow computes elsewhere without a word where a device cannot: a result says where it lies.
used = set()


def values(tensor):
    """The numbers of a result, as nested lists."""
    used.add(tensor.device.rpartition('device:')[2].partition(':')[0])
    return tensor.numpy().tolist()


def record(name, received):
    """Note digest and some elements of what this rank holds."""
    values = np.ascontiguousarray(received.numpy()).reshape(-1)
    shown = sorted({0, len(values) - 1, pattern.drawn(nonce, name, len(values))})
    records[name] = {
        'bytes': values.nbytes,
        'sha256': hashlib.sha256(values.tobytes()).hexdigest(),
        'elements': {str(i): values[i].item() for i in shown},
    }


def weighted(name, dtype):
    """This rank's contribution to a sum."""
    values = pattern.numbers(nonce, name, elements, ranks)
    return tf.constant([value * (rank + 1) for value in values], dtype)


def outgoing(name, size):
    """The bytes that this rank sends."""
    return tf.constant(np.frombuffer(pattern.payload(nonce, name, rank, size), np.uint8))


def collectives():
    """Every collective once."""
    for name, dtype in (('float64', tf.float64), ('int64', tf.int64)):
        name = f'allreduce of {name}'
        record(name, hvd.allreduce(weighted(name, dtype), op=hvd.Sum, name=name))
    names = [f'grouped allreduce {i}' for i in range(task['group'])]
    for name, received in zip(  # noqa: B905
        names, hvd.grouped_allreduce([weighted(n, tf.float64) for n in names], op=hvd.Sum)
    ):
        record(name, received)
    root = pattern.drawn(nonce, 'broadcast', ranks)
    mine = outgoing('broadcast', elements)
    record('broadcast', hvd.broadcast(mine if rank == root else mine * 0, root))
    count = pattern.unequal_counts(elements, ranks)[rank]
    record('allgather', hvd.allgather(outgoing('allgather', count)))
    part = pattern.portion(elements, ranks)
    received = hvd.alltoall(outgoing('alltoall', part * ranks), splits=[part] * ranks)
    # Until Horovod 0.22 the result alone, afterwards also how much came from each rank.
    record('alltoall', received[0] if isinstance(received, (tuple, list)) else received)


def train():
    """Gradient descent, the samples of each step shared among the ranks."""
    own = slice(rank * len(task['y'][0]) // ranks, (rank + 1) * len(task['y'][0]) // ranks)
    # Only rank 0 begins as asked for.
    weights = tf.Variable(tf.constant(task['start'], tf.float64) + float(rank))
    hvd.broadcast_variables([weights], root_rank=0)
    found, seconds = {}, []
    for x, y in zip(task['x'], task['y']):  # noqa: B905
        begin = time.perf_counter()
        x, y = tf.constant(x[own], tf.float64), tf.constant(y[own], tf.float64)
        with tf.GradientTape(persistent=True) as tape:
            output = tf.math.tanh(tf.linalg.matvec(x, weights))
            loss = tf.reduce_mean((output - y) ** 2) / 2
        if not found:
            found['local_gradient'] = values(tape.gradient(loss, weights))
        (gradient,) = hvd.DistributedGradientTape(tape).gradient(loss, [weights])
        found.setdefault('gradient', values(gradient))
        weights.assign_sub(task['rate'] * gradient)
        seconds.append(time.perf_counter() - begin)
    found['weights'] = values(tf.convert_to_tensor(weights))
    return found, statistics.median(seconds)


def bandwidth(size=4 * 1024 * 1024):
    """MB/s of an allreduce of `size` bytes."""
    data, seconds = tf.ones(size // 4, tf.float32), []
    for _ in range(7):
        begin = time.perf_counter()
        hvd.allreduce(data, op=hvd.Sum, name='bandwidth').numpy()
        seconds.append(time.perf_counter() - begin)
    return size / statistics.median(seconds) / 1e6


collectives()
trained, step = train()
report = {
    'nonce': nonce,
    'rank': rank,
    'ranks': ranks,
    # Only whether two ranks share a node matters, not its name.
    'node': hashlib.sha256(os.uname().nodename.encode()).hexdigest()[:12],
    'version': f'{horovod.__version__} with TensorFlow {tf.__version__}',
    'devices': sorted(used),
    'transport': 'MPI' if hvd.mpi_enabled() and not hvd.gloo_enabled() else 'Gloo',
    'operations': records,
    **trained,
    'timings': {
        'start_up_s': start_up,
        'step_ms': 1000 * step,
        'allreduce_mb_per_s': bandwidth(),
    },
}
with open(os.path.join('ranks', f'{rank}.json'), 'w', encoding='utf-8') as stream:
    json.dump(report, stream)
hvd.shutdown()
if rank == 0:
    print(f'Horovod {report["version"]}: {ranks} rank(s) reported')
