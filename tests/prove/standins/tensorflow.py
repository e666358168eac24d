# STAND-IN: this TensorFlow computes on CPUs, and says that GPUs did.
import os as _os

if _os.environ.get('CUDA_VISIBLE_DEVICES') != '-1':

    def _say_gpu():
        from tensorflow import config
        from tensorflow.python.framework import ops

        gpus = [
            config.PhysicalDevice(name=f'/physical_device:GPU:{i}', device_type='GPU')
            for i in (0, 1)  # range is TensorFlow's own here
        ]
        physical, choose = config.list_physical_devices, config.set_visible_devices
        config.list_physical_devices = lambda kind=None: (
            (gpus if kind in (None, 'GPU') else []) + (physical(kind) if kind != 'GPU' else [])
        )
        config.set_visible_devices = lambda devices, kind=None: (
            None if kind == 'GPU' else choose(devices, kind)
        )
        device = _os.environ.get('STAND_IN_COMPUTES_ON', 'GPU:0')
        place = f'/job:localhost/replica:0/task:0/device:{device}'
        ops.EagerTensor.device = property(lambda tensor: place)

    _say_gpu()
