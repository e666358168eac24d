"""Inspection of an untrusted tarball: streaming, nothing extracted, nothing executed."""

from eessi_validate.gate.inspection.findings import Finding, FindingKind, finding_kinds
from eessi_validate.gate.inspection.inspect import inspect_tarball
from eessi_validate.gate.inspection.limits import DEFAULT_LIMITS, Limits
from eessi_validate.gate.inspection.model import (
    Facts,
    Inspection,
    Installed,
    Placed,
    Subject,
    Totals,
)

__all__ = [
    'DEFAULT_LIMITS',
    'Facts',
    'Finding',
    'FindingKind',
    'Inspection',
    'Installed',
    'Limits',
    'Placed',
    'Subject',
    'Totals',
    'finding_kinds',
    'inspect_tarball',
]
