"""The cases of an implementation: those the driver planned, or those the loaded stack offers.

The driver names a JSON file in ``EESSI_VALIDATE_CASES``. Without it, under plain ReFrame, the
modules of the stack whose init script was sourced are used, at every scale the partition offers.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from reframe.core.builtins import parameter

from eessi_library.installation import Release
from eessi_library.installation.mpi_injection import injection
from eessi_validate.stack import discover_modules
from eessi_validate.stack.scales import scales

#: Environment variable that names the driver's file of planned cases.
CASES_VARIABLE = 'EESSI_VALIDATE_CASES'

#: What a compat-layer check covers in place of the name of software.
COMPAT_LAYER = 'compat'


@dataclass(frozen=True)
class Case:
    """One implementation x module x CPU target x scale."""

    #: Printable identity; the driver reconciles results by it.
    key: str
    module: str
    software: str
    version: str
    toolchain: str
    cpu_target: str
    scale: str
    #: ReFrame ``system:partition`` and environment; '' lets ReFrame choose by features.
    partition: str = ''
    environ: str = ''
    #: Values of further variables of the test, such as the path of the compat layer.
    inputs: dict[str, str] = field(default_factory=dict, hash=False)
    #: Where the site injects its own MPI, for tests that ask; empty where it does not.
    injection: dict[str, str] = field(default_factory=dict, hash=False)


def planned_cases(test: str, covers: str) -> Any:
    """Return the ReFrame parameter that makes one test of class ``test`` for each of its cases.

    :arg test: ``__qualname__`` of the class being defined.
    :arg covers: name of the software, or :data:`COMPAT_LAYER`.
    """
    path = os.environ.get(CASES_VARIABLE)
    if path == os.devnull:
        # The driver reads which tests there are: ReFrame registers none without a case.
        cases = [Case('none', '', covers, '', '', '', '')]
    elif path:
        cases = [Case(**row['case']) for row in _read_plan(path) if row['test'] == test]
    elif covers == COMPAT_LAYER:
        cases = list(_compat_cases())
    else:
        cases = list(_loaded_stack_cases(covers))
    return parameter(cases, fmt=lambda case: case.key, loggable=False)


@cache
def _read_plan(path: str) -> list[dict[str, Any]]:
    return json.loads(Path(path).read_text(encoding='utf-8'))['cases']


def _loaded_stack_cases(covers: str) -> list[Case]:
    software = os.environ.get('EESSI_SOFTWARE_PATH', '')
    trees = [f'{software}/modules/all'] if software else _module_path()
    found = []
    for tree in trees:
        for module in discover_modules(Path(tree)):
            if module.software == covers:
                target = _cpu_target(tree)
                site = _injection(tree)
                found += [_case(module, target, scale.name, site) for scale in scales()]
    return found


@cache
def _injection(tree: str) -> dict[str, str]:
    release, _, target = tree.removesuffix('/modules/all').partition('/software/linux/')
    return injection(Release(release, target)) if target else {}


def _case(module: Any, target: str, scale: str, injected: dict[str, str]) -> Case:
    return Case(
        key=f'{module.full_name}@{target}%{scale}',
        module=module.full_name,
        software=module.software,
        version=module.version,
        toolchain=module.toolchain,
        cpu_target=target,
        scale=scale,
        injection=injected,
    )


def _compat_cases() -> list[Case]:
    prefix = os.environ.get('EESSI_EPREFIX', '')
    if not prefix:
        return []
    release, family = os.environ.get('EESSI_VERSION', ''), Path(prefix).name
    return [
        Case(
            key=f'compat/{release}@{family}',
            module='',
            software=COMPAT_LAYER,
            version=release,
            toolchain='',
            cpu_target=family,
            scale='cores_1',
            inputs={'compat_path': prefix, 'release': release, 'arch': family},
        )
    ]


def _module_path() -> list[str]:
    return [p for p in os.environ.get('MODULEPATH', '').split(':') if p.endswith('modules/all')]


def _cpu_target(tree: str) -> str:
    return tree.partition('/software/linux/')[2].removesuffix('/modules/all')
