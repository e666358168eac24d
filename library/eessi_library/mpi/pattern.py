"""What the ranks send: data that depend on nonce, operation and rank. Pure.

Used by the test and, copied beside ``probe.py``, by the program that it runs: standard library
only, Python 3.6 and later.
"""

import hashlib
from array import array

#: Bytes of the messages of the point-to-point operations: one byte, an eager message, a message
#: above the eager limit of every transport, not a multiple of a page or a word.
MESSAGES = (1, 1000, 300007)


def payload(nonce, operation, rank, size):
    """Return ``size`` bytes that no other nonce, operation or rank has (SHAKE-256)."""
    key = f'{nonce}/{operation}/{rank}'
    return hashlib.shake_256(key.encode()).digest(size)


def drawn(nonce, operation, below):
    """Return an integer in [0, below): the root of a collective, say."""
    return int.from_bytes(payload(nonce, operation + ' drawn', 0, 6), 'little') % below


def triangle(ranks):
    """Return 1 + 2 + ... + ranks."""
    return ranks * (ranks + 1) // 2


def numbers(nonce, operation, count, ranks):
    """Return ``count`` integers whose weighted sum over the ranks float64 still holds exactly.

    Rank r contributes (r + 1) times these, so that the sum is ``triangle(ranks)`` times them. All
    52 bits are used: an addition in single precision, or one that loses a rank, shows.
    """
    bits = max(52 - triangle(ranks).bit_length(), 8)
    raw = array('Q', payload(nonce, operation + ' numbers', 0, 8 * count))
    return [value >> (64 - bits) for value in raw]


def portion(elements, ranks):
    """Return how many of about ``elements`` each pair of ranks exchanges; at least one."""
    return max(elements // ranks, 1)


def unequal_counts(elements, ranks):
    """Return a different number of elements for neighbouring ranks."""
    return [portion(elements, ranks) + rank % 3 for rank in range(ranks)]
