"""The C library answers: numbers and text, against exact results."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import ClassVar

from eessi_library.compat_layer import exact
from eessi_library.compat_layer.compat_test import CompatLayerTest
from eessi_library.nonce import integer

#: Runs inside the compat layer's own Python and calls its C library through ctypes.
_CALLS = Path(__file__).with_name('libc_calls.py')

#: Character sets of `iconv` and the codecs of Python that are their truth.
_CHARSETS = {
    'ISO-8859-15': 'iso8859-15',
    'UTF-16LE': 'utf-16-le',
    'UTF-32BE': 'utf-32-be',
    'KOI8-R': 'koi8-r',
    'EUC-JP': 'euc_jp',
    'CP1252': 'cp1252',
}

_LETTERS = {
    'ISO-8859-15': 'àéîöüßçñ€ŠžŒ',
    'UTF-16LE': 'aé€漢字😀',
    'UTF-32BE': 'aé€漢字😀',
    'KOI8-R': 'Съешьещёэтихмягких',
    'EUC-JP': '日本語漢字かなカナ',
    'CP1252': 'àéîöüßçñ€Šž…',
}


class CLibrary(CompatLayerTest, pin_prefix=True):
    """Formatting, parsing, mathematics and character sets of the compat layer's glibc.

    Truths are exact: the decimal expansion of a binary number, the nearest binary number of a
    decimal one, functions in 60 digits, and the character tables of another implementation.
    """

    group: ClassVar[str] = 'c_library'
    varies = 'the numbers that are printed, parsed and put into functions; the converted text'
    truths: ClassVar[dict[str, str]] = {
        'printing': 'decimal expansion of a double in exact arithmetic',
        'parsing': "nearest double, round half to even (IEEE 754), Python's own algorithm",
        'functions': 'Taylor and Newton in 60 decimal digits; glibc manual: at most 1 ulp',
        'character sets': 'tables of Python, an implementation of its own',
    }

    @property
    def doubles(self) -> list[float]:
        """Numbers of this run: both signs, 1e-200 to 1e200."""
        found = []
        for i in range(12):
            mantissa = integer(self.nonce, f'libc mantissa {i}', 2**52, 2**53 - 1)
            exponent = integer(self.nonce, f'libc exponent {i}', -660, 660)
            found.append((-1.0) ** i * mantissa * 2.0 ** (exponent - 52))
        return found

    @property
    def arguments(self) -> list[float]:
        """Arguments of functions: 0.01 to 20, full mantissas."""
        drawn = (integer(self.nonce, f'libc argument {i}', 1, 2**47) for i in range(8))
        return [0.01 + 19.99 * number / 2**47 for number in drawn]

    @property
    def decimals(self) -> list[str]:
        """Decimal strings to parse: long, and half way between two doubles."""
        found = []
        for i in range(6):
            mantissa = integer(self.nonce, f'libc half way {i}', 2**52, 2**53 - 2)
            half_way = (2 * mantissa + 1) << (i * 9)
            found += [str(half_way), f'{half_way}.{"0" * 40}1', f'{half_way - 1}.{"9" * 40}']
        return found

    def script_format(self) -> str:
        """The same numbers by gawk, coreutils and bash."""
        awk = ''.join(f'printf "%.25e\\n", {value!r}; ' for value in self.doubles)
        hexadecimal = ' '.join(value.hex() for value in self.doubles)
        return f"""\
export LC_ALL=C
awk 'BEGIN {{ {awk} }}'
"$(type -P printf)" '%.25e\\n' {hexadecimal}
builtin printf '%.25e\\n' {hexadecimal}
"""

    def judge_format(self, out: str) -> None:
        """Every digit is right."""
        lines = out.split()
        expected = [exact.scientific(value, 25) for value in self.doubles]
        for i, program in enumerate(('awk', 'printf', "bash's printf")):
            found = lines[i * len(expected) : (i + 1) * len(expected)]
            self.compare(f'format: numbers printed by {program}', len(found), len(expected))
            for value, right in zip(found, expected, strict=True):
                self.compare(f'format: {program} prints a double', value, right)

    def _call(self, what: str, values: list[str]) -> str:
        return f'python3 -I -B {shlex.quote(str(_CALLS))} {what} {" ".join(values)}\n'

    def script_convert(self) -> str:
        """Strings to doubles and back, by the C library itself."""
        return self._call('convert', self.decimals) + self._call(
            'print', [value.hex() for value in self.doubles]
        )

    def judge_convert(self, out: str) -> None:
        """The nearest double, and its exact decimal expansion."""
        lines = out.split()
        parsed, printed = lines[: len(self.decimals)], lines[len(self.decimals) :]
        self.compare('convert: numbers parsed', len(parsed), len(self.decimals))
        for text, found in zip(self.decimals, parsed, strict=True):
            self.compare(f'convert: strtod({text})', found, float(text).hex())
        expected = [exact.scientific(value, 60) for value in self.doubles]
        self.compare('convert: numbers printed', len(printed), len(expected))
        for value, found in zip(expected, printed, strict=True):
            self.compare('convert: snprintf %.60e', found, value)

    def script_math(self) -> str:
        """Functions of the mathematics library at the arguments of this run."""
        return self._call('math', [value.hex() for value in self.arguments])

    def judge_math(self, out: str) -> None:
        """Square root and fused multiply-add are exact, the others within 1 ulp."""
        rows = [line.split() for line in out.splitlines()]
        expected = len(self.arguments) * len(exact.FUNCTIONS)
        self.compare('math: results', len(rows), expected)
        for name, argument, result in rows:
            x = float.fromhex(argument)
            self.require(x in self.arguments, f'math: {x!r} was not asked for')
            allowed = exact.ALLOWED_ULP[name]
            error = exact.error_in_ulp(name, x, float.fromhex(result))
            self.require(
                error <= allowed,
                f'math: {name}({x!r}) is {float.fromhex(result)!r}, off by {error:.3g} ulp, '
                f'allowed {allowed}',
            )

    def _text(self, charset: str) -> str:
        letters = _LETTERS[charset]
        pick = (integer(self.nonce, f'{charset} {i}', 0, len(letters) - 1) for i in range(40))
        return self.nonce + ''.join(letters[index] for index in pick)

    def script_iconv(self) -> str:
        """Text of this run to each character set, in hexadecimal, and back."""
        lines = []
        for charset in _CHARSETS:
            text = shlex.quote(self._text(charset))
            lines += [
                f'printf %s {text} | iconv -f UTF-8 -t {charset} >{charset}.bin',
                f"od -An -v -tx1 {charset}.bin | tr -d ' \\n'; echo",
                f'iconv -f {charset} -t UTF-8 {charset}.bin; echo',
            ]
        return '\n'.join([*lines, ''])

    def judge_iconv(self, out: str) -> None:
        """The bytes of each character set, and the same text again."""
        lines = out.splitlines()
        self.compare('iconv: lines', len(lines), 2 * len(_CHARSETS))
        for i, (charset, codec) in enumerate(_CHARSETS.items()):
            text = self._text(charset)
            self.compare(f'iconv: UTF-8 to {charset}', lines[2 * i], text.encode(codec).hex())
            self.compare(f'iconv: {charset} to UTF-8', lines[2 * i + 1], text)
