"""Calls the C library of the Python that runs this file; standard library only.

It is run by the compat layer's own Python, so that the C library that answers is the compat
layer's. Numbers go in and come out as hexadecimal floating point, which loses nothing.
"""

import ctypes
import sys

LIBC = ctypes.CDLL(None)
LIBM = ctypes.CDLL('libm.so.6')
FUNCTIONS = ('sqrt', 'exp', 'log', 'sin', 'cos', 'atan', 'cbrt', 'fma')


def convert(texts):
    LIBC.strtod.restype = ctypes.c_double
    for text in texts:
        print(LIBC.strtod(text.encode(), None).hex())


def show(numbers):
    buffer = ctypes.create_string_buffer(200)
    for number in numbers:
        LIBC.snprintf(buffer, 200, b'%.60e', ctypes.c_double(float.fromhex(number)))
        print(buffer.value.decode())


def functions(numbers):
    for name in FUNCTIONS:
        function = getattr(LIBM, name)
        function.restype = ctypes.c_double
        for number in numbers:
            x = ctypes.c_double(float.fromhex(number))
            # fma(x, x, -x * x rounded) is the rounding error of the product: exact or worthless.
            rest = ctypes.c_double(-(x.value * x.value))
            result = function(x, x, rest) if name == 'fma' else function(x)
            print(name, number, result.hex())


if __name__ == '__main__':
    {'convert': convert, 'print': show, 'math': functions}[sys.argv[1]](sys.argv[2:])
