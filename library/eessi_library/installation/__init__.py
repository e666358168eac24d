"""Checks that apply to any installation, without a test of its application.

release = Release('/cvmfs/software.eessi.io/versions/2023.06', 'x86_64/amd/zen2')
for report in check_installations(installations(release), cache_path, workers=2):
    for finding in report.findings: print(finding.sentence())

Standard library only; knows neither ReFrame nor the driver.
"""

from .engine import check_installations
from .isa.features import supported_features
from .layout import installations, module_file
from .model import (
    ALL_GROUPS,
    DYNAMIC_GROUPS,
    EMULATION,
    STATIC_GROUPS,
    Finding,
    InstallationReport,
    InstallationRequest,
    Release,
    Severity,
)
from .rules import AllowRule, RuleError, read_rules

__all__ = [
    'ALL_GROUPS',
    'DYNAMIC_GROUPS',
    'EMULATION',
    'STATIC_GROUPS',
    'AllowRule',
    'Finding',
    'InstallationReport',
    'InstallationRequest',
    'Release',
    'RuleError',
    'Severity',
    'check_installations',
    'installations',
    'module_file',
    'read_rules',
    'supported_features',
]
