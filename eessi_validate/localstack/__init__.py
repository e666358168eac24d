"""Provision a real repository in EESSI layout from public packages: the local stack.

Unprivileged, without containers or namespaces. The binaries are Debian's; see the README that
each local stack carries at its root.
"""

from eessi_validate.localstack.build import BuildReport, BuildRequest, build_stack
from eessi_validate.localstack.inventory import default_root, installed_releases, remove_release
from eessi_validate.localstack.verify import Finding, VerifyReport, verify_stack

__all__ = [
    'BuildReport',
    'BuildRequest',
    'Finding',
    'VerifyReport',
    'build_stack',
    'default_root',
    'installed_releases',
    'remove_release',
    'verify_stack',
]
