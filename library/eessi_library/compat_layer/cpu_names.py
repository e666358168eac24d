"""What a target name of archspec promises, checked against the kernel's list of features. Pure."""

from __future__ import annotations

from typing import Any


def flags_in(cpuinfo: list[str]) -> set[str]:
    """Return the features of the first processor in ``/proc/cpuinfo`` (x86 and Arm)."""
    for line in cpuinfo:
        key, _, value = line.partition(':')
        if key.strip().lower() in ('flags', 'features'):
            return set(value.split())
    return set()


def names_for(targets: dict[str, Any], name: str) -> list[str]:
    """Return a target and its ancestors, the family last."""
    names = [name]
    while parents := targets[names[-1]]['from']:
        names.append(parents[0])
    return names


def unsupported_features(target: dict[str, Any], flags: set[str]) -> list[str]:
    """Return the features that a target requires and the CPU does not report.

    archspec's aliases (such as ``sse3`` for ``pni``) are spelt as the kernel does in the data of
    each target, except for ``sse3``. Families without a list of features have none to check.
    """
    known = flags | ({'sse3'} if 'pni' in flags else set())
    return sorted(set(target.get('features', [])) - known)
