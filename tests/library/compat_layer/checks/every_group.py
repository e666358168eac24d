"""Every library test of the compat layer, on whatever system ReFrame finds."""

import importlib

import reframe as rfm
from reframe.core.meta import make_test

from eessi_library.compat_layer import GROUPS

for place in GROUPS.values():
    module, _, name = place.rpartition('.')
    library_test = getattr(importlib.import_module(module), name)
    body = {'valid_systems': ['*'], 'valid_prog_environs': ['*'], 'time_limit': '5m'}
    rfm.simple_test(make_test(f'{name}_here', (library_test,), body, module=__name__))
