"""Exact results of the C library's arithmetic, in decimal numbers of 60 digits. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Context, Decimal, localcontext
from typing import Final

_DIGITS: Final = 60

#: Allowed error in units of the last place. IEEE 754 requires sqrt and fma to be exact (half an
#: ulp, correctly rounded); the others are at most 1 ulp in the glibc manual ("Errors in Math
#: Functions", x86_64 and aarch64), cbrt 4. The half ulp of rounding the result is included.
ALLOWED_ULP: Final[dict[str, float]] = {
    'sqrt': 0.5,
    'exp': 1.0,
    'log': 1.0,
    'sin': 1.0,
    'cos': 1.0,
    'atan': 1.0,
    'cbrt': 4.0,
    'fma': 0.0,
}

FUNCTIONS: Final = tuple(ALLOWED_ULP)


def scientific(value: float, digits: int) -> str:
    """Return what ``%.<digits>e`` must print: the exact expansion, rounded half to even."""
    with localcontext(Context(prec=1200)):
        mantissa, _, exponent = f'{Decimal(value):.{digits}e}'.partition('e')
    sign, size = exponent[0], exponent[1:]
    return f'{mantissa}e{sign}{size.zfill(2)}'


def error_in_ulp(name: str, x: float, result: float) -> float:
    """Return the error of ``name(x)`` in units of the last place of ``result``; inf for NaN."""
    if not math.isfinite(result):
        return math.inf
    with localcontext(Context(prec=_DIGITS)):
        difference = abs(Decimal(result) - _EXACT[name](Decimal(x)))
        return float(difference / Decimal(math.ulp(result)))


def _sine(x: Decimal) -> Decimal:
    """Taylor series with guard digits; terms grow to e^x, 1e9 for the arguments used here."""
    with localcontext(Context(prec=_DIGITS + 40)):
        term = total = x
        k = 1
        while abs(term) > Decimal(10) ** -(_DIGITS + 20):
            k += 2
            term = -term * x * x / (k * (k - 1))
            total += term
        return total


def _cosine(x: Decimal) -> Decimal:
    with localcontext(Context(prec=_DIGITS + 40)):
        term = total = Decimal(1)
        k = 0
        while abs(term) > Decimal(10) ** -(_DIGITS + 20):
            k += 2
            term = -term * x * x / (k * (k - 1))
            total += term
        return total


def _arc_tangent(x: Decimal) -> Decimal:
    """Halve the angle until the series converges fast: atan x = 2 atan(x / (1 + sqrt(1 + x^2)))."""
    halvings = 0
    with localcontext(Context(prec=_DIGITS + 20)):
        while abs(x) > Decimal('0.05'):
            x = x / (1 + (1 + x * x).sqrt())
            halvings += 1
        power, total, k = x, x, 1
        while abs(power) > Decimal(10) ** -(_DIGITS + 10):
            k += 2
            power = -power * x * x
            total += power / k
        return total * 2**halvings


def _cube_root(x: Decimal) -> Decimal:
    return (x.ln() / 3).exp()


def _rounding_error_of_square(x: Decimal) -> Decimal:
    with localcontext(Context(prec=200)):
        return x * x - Decimal(float(x) * float(x))


_EXACT: Final[dict[str, Callable[[Decimal], Decimal]]] = {
    'sqrt': Decimal.sqrt,
    'exp': Decimal.exp,
    'log': Decimal.ln,
    'sin': _sine,
    'cos': _cosine,
    'atan': _arc_tangent,
    'cbrt': _cube_root,
    'fma': _rounding_error_of_square,
}
