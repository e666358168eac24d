"""TensorFlow: operations, gradients and a training against plain Python, on one worker and more."""

from eessi_library.tensorflow.several_workers import SeveralWorkers
from eessi_library.tensorflow.training import Training

__all__ = ['SeveralWorkers', 'Training']
