"""The compiler of the compat layer, where one is shipped."""

from __future__ import annotations

from typing import ClassVar

from eessi_library.compat_layer.compat_test import CompatLayerTest
from eessi_library.compat_layer.layout import LOADERS
from eessi_library.nonce import integer


class Compiler(CompatLayerTest, pin_prefix=True):
    """GCC compiles two files, links them with link-time optimisation, and the program runs.

    Truth: the sum of squares in closed form, n (n + 1) (2 n + 1) / 6.
    """

    group: ClassVar[str] = 'compiler'
    varies = 'the number of squares, compiled into the program'
    truths: ClassVar[dict[str, str]] = {'sum': 'closed form of a sum of squares'}

    @property
    def number(self) -> int:
        """Squares to add."""
        return integer(self.nonce, 'squares', 10_000, 99_999)

    def script_lto(self) -> str:
        """Two translation units and one program."""
        return f"""\
cat >square.c <<'C'
unsigned long long square(unsigned long long i) {{ return i * i; }}
C
cat >main.c <<'C'
#include <stdio.h>
#include <math.h>
unsigned long long square(unsigned long long);
int main(int argc, char **argv) {{
    unsigned long long sum = 0;
    for (unsigned long long i = 1; i <= {self.number}ull * argc; ++i) sum += square(i);
    printf("%llu %.0f\\n", sum, sqrt((double) {self.number} * {self.number} * argc));
    return 0;
}}
C
gcc -O2 -flto -c square.c main.c
gcc -O2 -flto square.o main.o -o program -lm
./program
readelf -l program
"""

    def judge_lto(self, out: str) -> None:
        """The sum, and the loader of the compat layer in the program."""
        n = self.number
        first, _, headers = out.partition('\n')
        self.compare('lto: sum of squares', first, f'{n * (n + 1) * (2 * n + 1) // 6} {n}')
        loader = f'{self.compat_path}/{LOADERS[self.arch]}'
        name = LOADERS[self.arch].rpartition('/')[2]
        interpreters = [
            line.split(': ', 1)[1].rstrip(']')
            for line in headers.splitlines()
            if 'interpreter: ' in line
        ]
        self.require(
            len(interpreters) == 1
            and interpreters[0].startswith(f'{self.compat_path}/')
            and interpreters[0].endswith(f'/{name}'),
            f'lto: the program asks for the loader {interpreters}, expected {loader}',
        )
