"""TensorFlow: operations, gradients and a training, each against arithmetic of the test's own."""

from eessi_library.tensorflow.training import Training

__all__ = ['Training']
