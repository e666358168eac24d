"""From Debian versions to the versions and module names of EasyBuild's flat naming scheme."""

from __future__ import annotations

import re
from collections.abc import Mapping

from eessi_validate.localstack.catalogue import Release, Software, VersionRule
from eessi_validate.localstack.errors import LocalStackError


def upstream(debian_version: str) -> str:
    """Strip epoch and Debian revision: ``1:4.1.4-3+b1`` -> ``4.1.4`` (Debian Policy 5.6.12)."""
    return debian_version.split(':', 1)[-1].rsplit('-', 1)[0]


def software_version(rule: VersionRule, debian_version: str) -> str:
    """Apply a version rule; LocalStackError when the pattern does not fit."""
    if rule.fixed:
        return rule.fixed
    found = re.search(rule.pattern, upstream(debian_version))
    if found is None:
        raise LocalStackError(
            f'the version rule {rule.pattern!r} does not fit {rule.package} {debian_version}'
        )
    return rule.prefix + '.'.join(found.groups())


def module_versions(
    names: list[str],
    table: Mapping[str, Software],
    release: Release,
    debian_versions: Mapping[str, str],
) -> dict[str, str]:
    """Full module version of each name (``2022.5-foss-2022b``); names come dependencies first.

    `debian_versions` maps a package to its Debian version.
    """
    plain: dict[str, str] = {}
    for name in names:
        rule = table[name].version
        if table[name].bundle:
            plain[name] = release.toolchains[name]
        elif rule is not None:
            plain[name] = software_version(rule, debian_versions.get(rule.package, ''))
    return {n: plain[n] + _suffix(table[n], plain, release) for n in names}


def _suffix(software: Software, plain: Mapping[str, str], release: Release) -> str:
    suffix = ''
    if software.toolchain in release.toolchains:
        suffix = f'-{software.toolchain}-{release.toolchains[str(software.toolchain)]}'
    elif software.toolchain:
        suffix = f'-{software.toolchain}-{plain["GCCcore"]}'
    if software.suffix_of:
        suffix += f'-{software.suffix_of}-{plain[software.suffix_of]}'
    return suffix
