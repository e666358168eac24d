"""BLAS, LAPACK and Fourier transforms, judged by results that are known beforehand."""

from eessi_library.linear_algebra.flexiblas import FlexiBLASLinearAlgebra
from eessi_library.linear_algebra.fourier import FourierTransforms
from eessi_library.linear_algebra.hpcc import HPCChallenge
from eessi_library.linear_algebra.numpy_scipy import NumpyAndScipy
from eessi_library.linear_algebra.openblas import OpenBLASLinearAlgebra

__all__ = [
    'FlexiBLASLinearAlgebra',
    'FourierTransforms',
    'HPCChallenge',
    'NumpyAndScipy',
    'OpenBLASLinearAlgebra',
]
