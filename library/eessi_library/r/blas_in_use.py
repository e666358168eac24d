"""Which BLAS one R session used, and whether it is an optimised one. Pure.

The reference BLAS gives the right numbers, only slowly, and its file may have the name of another.
So what counts is what the file is: the file that ``dgemm_`` comes from in R's process, by the
loader's own answer (``dladdr`` in ``extSoftVersion``), must have a function that only an optimised
library has, or need a library that has it. Debian's ``libblas.so.3`` of OpenBLAS needs
``libopenblas.so.0``; that of BLIS has all of BLIS in it and hides it, but not the names of its
environment variables. Where a library was installed says nothing, and is in its RPATH.

Looked at in files: OpenBLAS 0.3.21 and 0.3.29, BLIS 0.9.0, ATLAS 3.10.3, netlib 3.11.0 of Debian,
MKL 2026.2 (``libmkl_rt``, ``libmkl_intel_lp64``). ArmPL and NVPL by their manuals.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

from eessi_library.expect import expect
from eessi_library.r.output import Said

#: What the script calls the maker of a library that is none of the table.
UNKNOWN = 'none'

#: Passes every call on to a backend, its own reference BLAS if there is no other.
FLEXIBLAS = 'FlexiBLAS'


class Mark(NamedTuple):
    """A function that only this library has, and a text in it where functions are hidden."""

    function: str
    text: str = ''


#: FlexiBLAS first: it has some functions of those that it passes calls on to.
MARKS = {
    FLEXIBLAS: Mark('flexiblas_get_version'),
    'OpenBLAS': Mark('openblas_get_config', 'OPENBLAS_VERBOSE'),
    'BLIS': Mark('bli_info_get_version_str', 'BLIS_ARCH_TYPE'),
    'MKL': Mark('MKL_Get_Version'),
    'ATLAS': Mark('ATL_buildinfo'),
    'ArmPL': Mark('armplversion'),
    'NVPL': Mark('nvpl_blas_get_version'),
}


def marks_in_r() -> str:
    """Return R code with the table."""
    functions = ', '.join(f"{name} = '{mark.function}'" for name, mark in MARKS.items())
    texts = ', '.join(f"{name} = '{mark.text}'" for name, mark in MARKS.items() if mark.text)
    return f'blas_functions <- c({functions})\nblas_texts <- c({texts})\n'


def judge_blas(said: Said, root_variables: Sequence[str]) -> None:
    """Fail unless R's BLAS is an optimised one, and of the installations that are named.

    :arg root_variables: environment variables with the roots of installations; none: anywhere.
    """
    files = said.words('blas files')
    expect(bool(files), 'R has loaded no BLAS library: libRblas is linked in statically')
    reference = [f for f in files if PurePosixPath(f).name.startswith('libRblas')]
    expect(not reference, f'R uses its own reference BLAS: {" ".join(reference)}')
    if root_variables:
        roots = said.words('blas roots')
        expect(bool(roots), f'none of {", ".join(root_variables)} is set')
        used = dict.fromkeys([*files, *said.words('reported blas')])
        outside = [
            f for f in used if not any(PurePosixPath(r) in PurePosixPath(f).parents for r in roots)
        ]
        expect(not outside, f'R uses a BLAS from outside {" ".join(roots)}: {" ".join(outside)}')
    _judge_makers(said, files)


def _judge_makers(said: Said, files: Sequence[str]) -> None:
    provider, maker = said.text('reported blas'), said.text('blas of products')
    makers = said.words('blas makers')
    expect(len(makers) == len(files), f'{len(makers)} makers printed for {len(files)} libraries')
    known = [name for name in makers if name in MARKS and name != FLEXIBLAS]
    if not provider:  # R cannot tell on this system
        provider, maker = ' '.join(files), makers[0] if not known else known[0]
    expect(
        maker in MARKS,
        f'R takes its matrix products from no optimised BLAS: neither {provider} nor a library '
        f'that it needs is one of {", ".join(MARKS)}',
    )
    expect(
        maker != FLEXIBLAS or bool(known),
        'FlexiBLAS, which R uses, has no optimised BLAS in memory and takes its own slow reference '
        f'implementation: {" ".join(files)}',
    )
