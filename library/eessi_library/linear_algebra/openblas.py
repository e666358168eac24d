"""Products, factorisations and spectra of OpenBLAS."""

from __future__ import annotations

from typing import Any

from eessi_library.linear_algebra.called_library import DenseLinearAlgebra


class OpenBLASLinearAlgebra(DenseLinearAlgebra, pin_prefix=True):
    """gemm, LU, Cholesky, eigenvalues and SVD of OpenBLAS, called through ctypes."""

    library = 'OpenBLAS'
    library_names = ('libopenblas.so', 'libopenblas.so.0')

    def expect_library(self, result: dict[str, Any]) -> None:
        """Judge threads and the kernel that OpenBLAS chose for this CPU."""
        self.expect_threads(result)
        self.expect_kernel(result['core'])
