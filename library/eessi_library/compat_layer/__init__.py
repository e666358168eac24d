"""The compat layer: its C library, loader, names, trust, locales, packages, modules and tools.

This module imports the standard library only, so that a planner can read the table of checks
without ReFrame; each abstract test is imported from its own module, named in :data:`GROUPS`.
"""

from eessi_library.compat_layer.checks import (
    CHECKS,
    GROUPS,
    Applicability,
    Check,
    applicable,
    applicable_checks,
    group_applicable,
)
from eessi_library.compat_layer.layout import detect_package_manager, shipped_programs

__all__ = [
    'CHECKS',
    'GROUPS',
    'Applicability',
    'Check',
    'applicable',
    'applicable_checks',
    'detect_package_manager',
    'group_applicable',
    'shipped_programs',
]
