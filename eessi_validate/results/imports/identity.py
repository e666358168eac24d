"""The identity of a case from the name and parameters that a test suite gave it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from eessi_validate.stack.modules import parse_module

#: Parameters that are other parts of the identity.
_PARTS = ('scale', 'module_name', 'module_info', 'module', 'case', 'repeat_no')
_PARAMETER = re.compile(r'%([\w.$]+)=(\S.*?)(?=\s%|$)')
_MODULE = re.compile(r'[A-Za-z][\w.+-]*/[\w.+-]+')


def identify(name: str, fields: Mapping[str, Any]) -> dict[str, str]:
    """Return test, software, version, toolchain and scale.

    The test is the class with the parameters that are no other part of the identity, because
    ``%benchmark_info=Crambin`` and ``%benchmark_info=hEGFRDimer`` are not one test.

    :arg name: ReFrame's ``name``, without hash and system.
    :arg fields: loggable attributes, where there are any.
    """
    test = name.split(' ')[0]
    parameters = {key: value.strip() for key, value in _PARAMETER.findall(name)}
    rest = [f'%{key}={parameters[key]}' for key in sorted(parameters) if key not in _PARTS]
    module = _module(fields, parameters)
    parsed = parse_module(module) if module else None
    return {
        'test': ' '.join([test, *rest]),
        'software': parsed.software if parsed else '',
        'version': parsed.version if parsed else '',
        'toolchain': parsed.toolchain if parsed else '',
        'scale': str(fields.get('scale') or parameters.get('scale', '')),
    }


def _module(fields: Mapping[str, Any], parameters: Mapping[str, str]) -> str:
    candidates: list[Any] = [
        fields.get('module_name'),
        fields.get('module_info'),
        parameters.get('module_name'),
        parameters.get('module_info'),
        parameters.get('case'),
        fields.get('modules'),
    ]
    for candidate in candidates:
        found = _MODULE.findall(str(candidate)) if candidate else []
        if found:
            return str(found[-1])
    return ''
