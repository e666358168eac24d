"""Spoils the results in a text: numbers and digests that are no echo of the input. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

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
_WHOLE = re.compile(rb'(?<![\w.:/+-])(?P<number>\d{3,18})(?![\w.:/])')

#: What every result is multiplied by.
FACTOR = 1.01

#: What the results of one file are multiplied by: it may hold nothing but means with their noise.
FACTOR_OF_ONE_FILE = 1.1

#: Gives every number the other sign: what no time or rate can have.
OTHER_SIGN = -1.0


@dataclass(frozen=True)
class Token:
    """A number or digest in a text that may be a result."""

    kind: Literal['real', 'digest', 'whole']
    #: Where it stands, with the blanks before a real number, and how many blanks these are.
    start: int
    end: int
    blanks: int
    #: The number or digest itself.
    text: bytes

    @property
    def value(self) -> float:
        """The number; 0 for a digest."""
        return 0.0 if self.kind == 'digest' else _value(self.text)


def tokens(text: bytes) -> list[Token]:
    """Return all numbers and digests of a text, in order; none of what is no text."""
    if b'\0' in text:
        return []
    return sorted(_tokens(text), key=lambda token: token.start)


def _tokens(text: bytes) -> Iterator[Token]:
    for match in _REAL.finditer(text):
        yield Token('real', *match.span(), len(match['blanks']), match['number'])
    for match in _DIGEST.finditer(text):
        yield Token('digest', *match.span(), 0, match['digest'])
    for match in _WHOLE.finditer(text):
        yield Token('whole', *match.span(), 0, match['number'])


def masked(text: bytes) -> bytes:
    """Return a text with ``#`` for each number, of any kind, and digest, and single blanks."""
    return b' '.join(_NUMBER.sub(b'#', _DIGEST.sub(b'#', text)).split())


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


def is_echo(token: Token, echoes: frozenset[str]) -> bool:
    """Say whether a number or digest is one of the input, or zero: it stays."""
    if token.kind == 'digest':
        return token.text.decode() in echoes
    return not token.value or _key(token.value) in echoes


def spoil(
    text: bytes,
    echoes: frozenset[str],
    factor: float = FACTOR,
    *,
    whole: bool = False,
    kept: Collection[int] = (),
) -> tuple[bytes, int]:
    """Multiply each real number of a text, in its own notation and width, and alter each digest.

    :arg whole: change whole numbers too, where they are more than twice the others: sums and
        counts are the results there; elsewhere they are rather sizes and addresses.
    :arg echoes: numbers of the input, see :func:`values`; they stay, and so does zero.
    :arg kept: where further numbers stand that stay, see :attr:`Token.start`.
    :returns: the text, and how many results changed.
    """
    free = [token for token in tokens(text) if token.start not in kept]
    changed = [t for t in free if t.kind != 'whole' and not is_echo(t, echoes)]
    whole_numbers = [token for token in free if token.kind == 'whole']
    if whole and len(whole_numbers) > 2 * len(changed):
        changed += [token for token in whole_numbers if not is_echo(token, echoes)]
    pieces, end = [], 0
    for token in sorted(changed, key=lambda token: token.start):
        pieces += [text[end : token.start], _spoiled(token, factor)]
        end = token.end
    return b''.join([*pieces, text[end:]]), len(changed)


def _spoiled(token: Token, factor: float) -> bytes:
    if token.kind == 'digest':
        return (b'1' if token.text[:1] == b'0' else b'0') + token.text[1:]
    if token.kind == 'whole':
        value = int(token.text)
        return str(max(round(value * factor), value + 1) if factor > 0 else -value).encode()
    new = _written_like(token.text, factor)
    # Columns keep their place, and words stay apart.
    width = token.end - token.start
    return new.rjust(max(width, len(new) + 1)) if token.blanks else new


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
