"""Products, factorisations and spectra through FlexiBLAS, and which backend does them."""

from __future__ import annotations

import os
import re
from typing import Any, ClassVar

from reframe.core.builtins import run_before, variable

from eessi_library.expect import expect
from eessi_library.linear_algebra.called_library import DenseLinearAlgebra

#: Backends of FlexiBLAS' own reference BLAS: ``NETLIB`` by its name in the configuration,
#: ``__FALLBACK__`` where the wanted one cannot be loaded (``flexiblas_load_library_from_init`` in
#: ``src/flexiblas.c`` of FlexiBLAS 3).
REFERENCE_BACKENDS = ('NETLIB', '__FALLBACK__')

#: What FlexiBLAS 3 says of its troubles on standard error, whatever ``FLEXIBLAS_VERBOSE`` is
#: (``DPRINTF(0, ...)``, ``DPRINTF_ERROR(0, ...)`` and ``fprintf`` in ``src/flexiblas.c`` and
#: ``src/sh_utils.c``, the forms in ``src/flexiblas_printf.c``): prefix ``flexiblas`` or
#: ``<flexiblas>``, in a build for debugging ``<flexiblas:FILE:LINE>``, coloured or not, once
#: without a space behind it and once twice; none from its reader of configurations
#: (``libcscutils/src/ini/inifile.c``), which stops at the line that it names.
_SAID = re.compile(
    r'^(?:\x1b\[[\d;]*m)*(?P<message>Invalid line \( *\d+\).*?|'
    r'(?:<flexiblas(?::[^>\n]*)?>|flexiblas)\s*(?:flexiblas\s+)?(?P<prefixed>'
    r'(?:Failed to|Unable to|dlopen: |No suitable BLAS|Can ?not|BLAS backend .* not found|'
    r'Initialization of the backend).*?))'
    r'\s*(?:\x1b\[[\d;]*m)*$',
    re.MULTILINE,
)


def troubles(output: str) -> list[str]:
    """Return what FlexiBLAS said of its troubles, in order and each once. Pure."""
    said = (match['prefixed'] or match['message'] for match in _SAID.finditer(output))
    return list(dict.fromkeys(said))


def wrong_backend(found: str, wanted: str, asked: str | None, output: str) -> str | None:
    """Return a sentence unless the backend ``found`` is the one ``wanted``. Pure.

    Names of backends are compared without case, as FlexiBLAS does (README, Configuration Files).

    :arg asked: value of the environment variable ``FLEXIBLAS``, which chooses a backend.
    :arg output: standard error of the run, with what FlexiBLAS said.
    """
    if found.upper() == wanted.upper():
        return None
    sentence = f'FlexiBLAS uses the backend {found}, wanted {wanted}'
    if found.upper() in REFERENCE_BACKENDS:
        sentence += ': the slow reference implementation'
    if asked is not None:
        sentence += f'; the environment has FLEXIBLAS={asked}'
    said = troubles(output)
    return f'{sentence}; it said: {"; ".join(said)}' if said else sentence


class FlexiBLASLinearAlgebra(DenseLinearAlgebra, pin_prefix=True):
    """gemm, LU, Cholesky, eigenvalues and SVD through FlexiBLAS, called through ctypes.

    FlexiBLAS passes every call on to a backend that it loads when it is loaded itself. If that
    fails it takes its own reference implementation, with nothing but a warning on standard error:
    right numbers, by one thread, at a fraction of the speed. Hence the name of the backend in use
    (``flexiblas_current_backend``), its threads as FlexiBLAS passes them on
    (``flexiblas_get_num_threads``, 1 for a backend that cannot tell) and the version
    (``flexiblas_get_version``) are judged. FlexiBLAS has no variable of its own for the number of
    threads: the backend reads its own.

    FlexiBLAS loads its reference implementation beside every backend and takes each routine that
    the backend lacks from there, without a word. Hence OpenBLAS must have all that is called.

    Source: github.com/mpimd-csc/flexiblas at commit 24f90e583b7c (3.3.1): ``src/flexiblas.c``,
    ``flexiblas_api.c``, ``sh_utils.c``, ``mgmt.c``, ``set_num_threads.c``; README (after 3.4.5).
    """

    library = 'FlexiBLAS'
    library_names = ('libflexiblas.so.3', 'libflexiblas.so')

    #: Backend that must be in use, by its name in FlexiBLAS' configuration; any case. EasyBuild
    #: makes the first of its backends the default (``FLEXIBLAS_DEFAULT`` in its easyblock
    #: ``flexiblas.py``), which is OpenBLAS in the foss toolchains.
    backend = variable(str, value='OPENBLAS', loggable=True)

    #: Version that FlexiBLAS must report, e.g. ``3.3.1``; '' accepts any.
    library_version = variable(str, value='')

    truths: ClassVar[dict[str, str]] = {
        **DenseLinearAlgebra.truths,
        'backend': 'the one wanted, by the name that FlexiBLAS reports; OpenBLAS is in memory and '
        'has every routine called',
        'version': "FlexiBLAS' own, equal to that of the module",
        'libraries': 'every BLAS and LAPACK in memory is of the stack',
    }

    @run_before('run')
    def ask_every_backend_for_threads(self) -> None:
        """Ask for threads by the variables of further backends that a site may choose."""
        for name in ('BLIS_NUM_THREADS', 'MKL_NUM_THREADS'):
            self.env_vars[name] = self.threads

    def last_words(self, output: str) -> str | None:
        """Return the exception that ended the program, or why FlexiBLAS aborted it."""
        return super().last_words(output) or '; '.join(troubles(output)) or None

    def expect_library(self, result: dict[str, Any]) -> None:
        """Judge version and backend, then threads, libraries in memory and kernel.

        The backend comes first: that of the reference has one thread whatever is asked for.
        """
        version = '.'.join(str(number) for number in result['version'])
        expect(
            self.library_version in ('', version),
            f'FlexiBLAS reports version {version}, expected {self.library_version}',
        )
        stderr = self.read_output(str(self.stderr))
        fault = wrong_backend(result['backend'], self.backend, result['asked'], stderr)
        expect(fault is None, fault or '')
        self.expect_threads(result)
        expect(bool(result['libraries']), 'the loader names no BLAS in memory, not even FlexiBLAS')
        if root := self.program_root:
            inside = tuple(f'{place.rstrip("/")}/' for place in (root, os.path.realpath(root)))
            for path in result['libraries']:
                expect(
                    path.startswith(inside),
                    f'{path} was loaded, which is not in {self.program_root}',
                )
        if 'OPENBLAS' in result['backend'].upper():
            core = result['core']
            expect(
                core is not None,
                f'FlexiBLAS calls its backend {result["backend"]}, but no OpenBLAS is in memory',
            )
            self.expect_kernel(core)
            lacking = ', '.join(result['lacking'])
            expect(
                not lacking,
                f'OpenBLAS lacks {lacking}: FlexiBLAS takes it from its reference implementation',
            )
