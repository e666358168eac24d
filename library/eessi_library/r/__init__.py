"""R and Bioconductor, judged by closed forms and published formulas computed here."""

from eessi_library.r.limma import ModeratedT
from eessi_library.r.linear_algebra import LinearAlgebraInR

__all__ = ['LinearAlgebraInR', 'ModeratedT']
