"""What runs under the TensorFlow of the stack: reads input.json, writes result.json.

Sent to the stage directory by the library test; it imports nothing of the test. Floats are written
with 17 significant digits, so that every bit reaches the judge.
"""

import hashlib
import json
import os
import sys
import time

begin = time.perf_counter()
with open('input.json', encoding='utf-8') as stream:
    task = json.load(stream)
if task['device'] == 'CPU':
    os.environ['CUDA_VISIBLE_DEVICES'] = '-1'
os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '2')

import tensorflow as tf  # noqa: E402  (after the environment that it reads)

tf.config.threading.set_intra_op_parallelism_threads(task['threads'])
tf.config.threading.set_inter_op_parallelism_threads(1)
tf.config.experimental.enable_op_determinism()
tf.config.experimental.enable_tensor_float_32_execution(False)

# TensorFlow computes elsewhere without a word where a device cannot: a result says where it lies.
devices = set()


def values(tensor):
    """The numbers of a result, as nested lists."""
    devices.add(tensor.device.rpartition('device:')[2].partition(':')[0])
    return tensor.numpy().tolist()


def operations(dtype):
    """Matrix product, convolution and softmax of the given numbers."""
    left, right, image, kernel, logits = (
        tf.constant(task[name], dtype) for name in ('left', 'right', 'image', 'kernel', 'logits')
    )
    return {
        'matmul': values(tf.linalg.matmul(left, right)),
        'convolution': values(tf.nn.conv2d(image[None], kernel, 1, 'VALID')[0]),
        'softmax': values(tf.nn.softmax(logits)),
    }


def gradients():
    """Loss of a small convolutional classifier and its derivatives, in double precision."""
    net = task['network']
    image = tf.constant(net['image'], tf.float64)
    kernel, weights, bias = (
        tf.Variable(tf.constant(net[name], tf.float64)) for name in ('kernel', 'weights', 'bias')
    )
    with tf.GradientTape() as tape:
        hidden = tf.math.tanh(tf.nn.conv2d(image[None, ..., None], kernel, 1, 'VALID'))
        logits = tf.linalg.matmul(tf.reshape(hidden, (1, -1)), weights) + bias
        loss = tf.nn.sparse_softmax_cross_entropy_with_logits([net['label']], logits)[0]
    found = tape.gradient(loss, (kernel, weights, bias))
    names = ('kernel', 'weights', 'bias')
    return {'loss': float(loss)} | {
        name: values(tf.reshape(g, (-1,))) for name, g in zip(names, found, strict=True)
    }


class Clock(tf.keras.callbacks.Callback):
    """Seconds of every epoch."""

    def __init__(self):
        super().__init__()
        self.seconds = []

    def on_epoch_begin(self, epoch, logs=None):
        self.start = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        self.seconds.append(time.perf_counter() - self.start)


def train():
    """Fit a network of one hidden layer; the same seed must give the same bits."""
    tf.keras.utils.set_random_seed(task['seed'])
    x, y = (tf.constant(task[name], tf.float32) for name in ('x', 'y'))
    model = tf.keras.Sequential(
        [
            tf.keras.layers.Input((len(task['x'][0]),)),
            tf.keras.layers.Dense(task['hidden'], activation='relu'),
            tf.keras.layers.Dense(1),
        ]
    )
    model.compile(optimizer=tf.keras.optimizers.Adam(task['rate']), loss='mse')
    clock = Clock()
    fitted = model.fit(
        x, y, batch_size=task['batch'], epochs=task['epochs'], verbose=0, callbacks=[clock]
    )
    weights = [values(tf.convert_to_tensor(weight)) for weight in model.weights]
    checked = model.evaluate(
        tf.constant(task['x_check'], tf.float32),
        tf.constant(task['y_check'], tf.float32),
        batch_size=task['batch'],
        verbose=0,
    )
    return {
        'loss': [float(value) for value in fitted.history['loss']],
        'loss_check': float(checked),
        'weights': weights,
        'digest': hashlib.sha256(json.dumps(weights).encode()).hexdigest(),
        'epoch_seconds': clock.seconds,
    }


result = {
    'nonce': task['nonce'],
    'version': tf.__version__,
    'python': sys.version.split()[0],
    'threads': tf.config.threading.get_intra_op_parallelism_threads(),
    'cpus': len(os.sched_getaffinity(0)),
    'start_up': time.perf_counter() - begin,
}
with tf.device(f'/{task["device"]}:0'):
    result['float32'] = operations(tf.float32)
    result['float64'] = operations(tf.float64)
    result['gradients'] = gradients()
    result['training'] = train()
    again = train()
    result['again'] = {'loss': again['loss'], 'digest': again['digest']}
result['devices'] = sorted(devices)
with open('result.json', 'w', encoding='utf-8') as stream:
    json.dump(result, stream)
print(f'TensorFlow {tf.__version__}: result.json written')
