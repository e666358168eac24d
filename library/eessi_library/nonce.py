"""Numbers drawn from the nonce of a run: what makes a recorded log of a sound run useless.

Every run varies something that its output must reflect (a seed, a temperature, a size). The
variation is a pure function of the recorded nonce, so that a run can be repeated exactly.
"""

from __future__ import annotations

import hashlib
import secrets


def draw_nonce() -> str:
    """Return a fresh nonce of 16 hexadecimal digits."""
    return secrets.token_hex(8)


def fraction(nonce: str, purpose: str) -> float:
    """Return a number in [0, 1) that depends on nonce and purpose only (SHA-256)."""
    digest = hashlib.sha256(f'{nonce}/{purpose}'.encode()).digest()
    return int.from_bytes(digest[:6], 'big') / 2**48


def integer(nonce: str, purpose: str, low: int, high: int) -> int:
    """Return an integer in [low, high] that depends on nonce and purpose only."""
    return low + int(fraction(nonce, purpose) * (high - low + 1))


def real(nonce: str, purpose: str, low: float, high: float, digits: int = 2) -> float:
    """Return a number in [low, high], rounded to ``digits`` decimals."""
    return round(low + fraction(nonce, purpose) * (high - low), digits)
