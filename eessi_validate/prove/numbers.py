"""Spoils the results in a text: numbers and digests that are no echo of the input. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal

#: A real number with the blanks before it; no version (4.1.4), date, path or word with digits.
_REAL = re.compile(
    rb'(?P<blanks> *)(?<![\w.:/-])(?P<number>[-+]?\d+\.\d*(?:[eEdD][-+]?\d+)?|[-+]?\d+[eE][-+]\d+)'
    rb'(?![\w.:/])'
)
_NUMBER = re.compile(rb'[-+]?(?:\d+\.?\d*|\.\d+)(?:[eEdD][-+]?\d+)?')
#: A digest such as SHA-256; nonces are shorter.
_DIGEST = re.compile(
    rb'(?<![0-9A-Za-z])(?=[0-9a-f]*[a-f])(?P<digest>[0-9a-f]{32,128})(?![0-9A-Za-z])'
)
#: A whole number with three digits or more; a result only where these are the majority.
_WHOLE = re.compile(rb'(?<![\w.:/-])(?P<number>\d{3,18})(?![\w.:/])')

#: What every result is multiplied by.
FACTOR = 1.01

#: What the results of one file are multiplied by: it may hold nothing but means with their noise.
FACTOR_OF_ONE_FILE = 1.1


def values(texts: Iterable[bytes]) -> frozenset[str]:
    """Return all numbers of some texts, to six digits, and all digests."""
    found = set()
    for text in texts:
        found |= {match.decode() for match in _DIGEST.findall(text)}
        found |= {_key(_value(match)) for match in _NUMBER.findall(text)}
    return frozenset(found)


def _value(token: bytes) -> float:
    try:
        return float(token.decode().replace('D', 'e').replace('d', 'e'))
    except ValueError:
        return 0.0


def _key(value: float) -> str:
    return f'{abs(value):.6g}'


def spoil(
    text: bytes, echoes: frozenset[str], factor: float = FACTOR, *, whole: bool = False
) -> tuple[bytes, int]:
    """Multiply each real number of a text, in its own notation and width, and alter each digest.

    :arg whole: change whole numbers too, where they are more than twice the others: sums and
        counts are the results there; elsewhere they are rather sizes and addresses.
    :arg echoes: numbers of the input, see :func:`values`; they stay, and so does zero.
    :returns: the text, and how many results changed.
    """
    count = 0

    if b'\0' in text:
        return text, 0

    def change(match: re.Match[bytes]) -> bytes:
        nonlocal count
        value = _value(match['number'])
        if not value or _key(value) in echoes:
            return match[0]
        new = _written_like(match['number'], factor)
        count += 1
        # Columns keep their place, and words stay apart.
        return new.rjust(max(len(match[0]), len(new) + 1)) if match['blanks'] else new

    def alter(match: re.Match[bytes]) -> bytes:
        nonlocal count
        if match['digest'].decode() in echoes:
            return match[0]
        count += 1
        return (b'1' if match[0][:1] == b'0' else b'0') + match[0][1:]

    def raise_whole(match: re.Match[bytes]) -> bytes:
        nonlocal count
        value = int(match['number'])
        if _key(value) in echoes:
            return match[0]
        count += 1
        return str(max(round(value * factor), value + 1)).encode()

    spoiled = _DIGEST.sub(alter, _REAL.sub(change, text))
    if whole and len(_WHOLE.findall(text)) > 2 * count:
        spoiled = _WHOLE.sub(raise_whole, spoiled)
    return spoiled, count


def _written_like(model: bytes, factor: float) -> bytes:
    """Return ``factor`` times a number, with its exponent and at least its decimals."""
    text = model.decode()
    mantissa, letter, exponent = text, '', ''
    for sign in 'eEdD':
        if sign in text:
            mantissa, letter, exponent = text.partition(sign)
    decimals = len(mantissa.partition('.')[2])
    scaled = Decimal(mantissa) * Decimal(str(factor))
    new = f'{scaled:.{decimals}f}'
    if Decimal(new) == Decimal(mantissa):
        # Too few digits to show it: two more, whatever that does to the columns.
        new = f'{scaled:.{decimals + 2}f}'
    return f'{new}{letter}{exponent}'.encode()
