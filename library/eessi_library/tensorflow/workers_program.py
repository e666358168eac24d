"""What runs on each worker under the TensorFlow of the stack: reads input.json, writes its report.

Sent to the stage directory by the library test, with ``pattern.py`` beside it. It judges nothing.
"""

import hashlib
import json
import os
import socket
import statistics
import time

#: Variables in which launchers tell a process its rank and how many there are.
RANKS = (
    ('OMPI_COMM_WORLD_RANK', 'OMPI_COMM_WORLD_SIZE'),
    ('SLURM_PROCID', 'SLURM_NTASKS'),
    ('PMI_RANK', 'PMI_SIZE'),
)
begin = time.perf_counter()
with open('input.json', encoding='utf-8') as stream:
    task = json.load(stream)
rank, ranks = next(
    ((int(os.environ[r]), int(os.environ[n])) for r, n in RANKS if r in os.environ), (0, 1)
)


def meet(seconds=120):
    """Exchange addresses by files; returns those of all ranks and a socket that keeps the port."""
    kept = socket.socket()
    kept.bind(('', 0))
    own = json.dumps([socket.gethostname(), kept.getsockname()[1]])
    with open(f'address.{rank}.part', 'w') as stream:
        stream.write(own)
    os.replace(f'address.{rank}.part', f'address.{rank}')
    found = []
    for other in range(ranks):
        while not os.path.exists(f'address.{other}'):
            if time.perf_counter() - begin > seconds:
                raise SystemExit(f'rank {rank}: rank {other} did not come within {seconds} s')
            time.sleep(0.02)
        with open(f'address.{other}') as stream:
            found.append(json.load(stream))
    one_node = len({host for host, _ in found}) == 1
    return [f'{"127.0.0.1" if one_node else host}:{port}' for host, port in found], kept


addresses, port = meet()
os.environ['TF_CONFIG'] = json.dumps(
    {'cluster': {'worker': addresses}, 'task': {'type': 'worker', 'index': rank}}
)
if task['device'] == 'CPU':
    os.environ['CUDA_VISIBLE_DEVICES'] = '-1'
os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '2')

import numpy as np  # noqa: E402  (after the environment that it reads)
import pattern  # noqa: E402
import tensorflow as tf  # noqa: E402

port.close()
strategy = tf.distribute.MultiWorkerMirroredStrategy()
start_up = time.perf_counter() - begin
nonce, elements = task['nonce'], task['elements']
records = {}


def record(name, received):
    """Note digest and some elements of what this rank holds."""
    values = np.ascontiguousarray(received.numpy()).reshape(-1)
    shown = sorted({0, len(values) - 1, pattern.drawn(nonce, name, len(values))})
    records[name] = {
        'bytes': values.nbytes,
        'sha256': hashlib.sha256(values.tobytes()).hexdigest(),
        'elements': {str(i): values[i].item() for i in shown},
    }


# TensorFlow computes elsewhere without a word where a device cannot: a result says where it lies.
used = set()


def values(tensor):
    """The numbers of a result, as nested lists."""
    used.add(tensor.device.rpartition('device:')[2].partition(':')[0])
    return tensor.numpy().tolist()


def on_workers(function):
    """A function of a replica, compiled to run on all workers; returns what this one has."""
    compiled = tf.function(lambda *arguments: strategy.run(function, args=arguments))

    def call(*arguments):
        return tf.nest.map_structure(
            lambda value: strategy.experimental_local_results(value)[0], compiled(*arguments)
        )

    return call


def add(values):
    """Sum over the workers."""
    # An argument has no device, by which the strategy tells where a result belongs.
    values = tf.identity(values)
    context = tf.distribute.get_replica_context()
    return context.all_reduce(tf.distribute.ReduceOp.SUM, values)


def gather(values):
    """The values of all workers, one after the other."""
    return tf.distribute.get_replica_context().all_gather(tf.identity(values), 0)


def collectives():
    """Every collective once."""
    values = pattern.numbers(nonce, 'all_reduce', elements, ranks)
    own = tf.constant([value * (rank + 1) for value in values], tf.float64)
    record('all_reduce', on_workers(add)(own))
    part = pattern.payload(nonce, 'gather', rank, pattern.portion(elements, ranks))
    # There is no gather of bytes: TensorFlow's collectives know int32 and wider.
    own = tf.constant(np.frombuffer(part, np.uint8).astype(np.int32))
    record('gather', tf.cast(on_workers(gather)(own), tf.uint8))


def train():
    """Gradient descent, the samples of each step shared among the workers."""
    own = slice(rank * len(task['y'][0]) // ranks, (rank + 1) * len(task['y'][0]) // ranks)
    with strategy.scope():
        # Only rank 0 begins as asked for: the others must take its weights.
        weights = tf.Variable(
            tf.constant(task['start'], tf.float64) + float(rank),
            aggregation=tf.VariableAggregation.MEAN,
        )

    def step(x, y):
        with tf.GradientTape() as tape:
            output = tf.math.tanh(tf.linalg.matvec(x, weights))
            loss = tf.reduce_mean((output - y) ** 2) / 2
        local = tape.gradient(loss, weights)
        context = tf.distribute.get_replica_context()
        mean = context.all_reduce(tf.distribute.ReduceOp.MEAN, local)
        # The update is averaged over the workers by the variable itself.
        weights.assign_sub(task['rate'] * local)
        return local, mean

    compiled, found, seconds = on_workers(step), {}, []
    for x, y in zip(task['x'], task['y']):  # noqa: B905
        start = time.perf_counter()
        local, mean = compiled(tf.constant(x[own], tf.float64), tf.constant(y[own], tf.float64))
        found.setdefault('local_gradient', values(local))
        found.setdefault('gradient', values(mean))
        seconds.append(time.perf_counter() - start)
    found['weights'] = values(tf.convert_to_tensor(strategy.experimental_local_results(weights)[0]))
    return found, statistics.median(seconds)


def bandwidth(size=4 * 1024 * 1024):
    """MB/s of an all_reduce of `size` bytes."""
    data, compiled, seconds = tf.ones(size // 4, tf.float32), on_workers(add), []
    for _ in range(7):
        start = time.perf_counter()
        compiled(data).numpy()
        seconds.append(time.perf_counter() - start)
    return size / statistics.median(seconds) / 1e6


collectives()
trained, step_seconds = train()
report = {
    'nonce': nonce,
    'rank': strategy.cluster_resolver.task_id,
    'ranks': strategy.num_replicas_in_sync,
    # Only whether two ranks share a node matters, not its name.
    'node': hashlib.sha256(socket.gethostname().encode()).hexdigest()[:12],
    'version': f'TensorFlow {tf.__version__}',
    'devices': sorted(used),
    'transport': 'gRPC' if 'worker' in strategy.cluster_resolver.cluster_spec().jobs else '',
    'operations': records,
    **trained,
    'timings': {
        'start_up_s': start_up,
        'step_ms': 1000 * step_seconds,
        'allreduce_mb_per_s': bandwidth(),
    },
}
with open(os.path.join('ranks', f'{rank}.json'), 'w', encoding='utf-8') as stream:
    json.dump(report, stream)
if rank == 0:
    print(f'{report["version"]}: {ranks} worker(s) reported')
# Workers that leave early would be taken for lost by the others.
for other in range(ranks):
    while not os.path.exists(os.path.join('ranks', f'{other}.json')):
        time.sleep(0.02)
