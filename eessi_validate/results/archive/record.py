"""Record a finished run of the driver in a store."""

from __future__ import annotations

import datetime
from pathlib import Path

from eessi_validate.results.archive.archive import open_archive
from eessi_validate.results.archive.rows import current_user, table_from_report
from eessi_validate.results.model import Report


def record_run(report: Report, directory: Path, address: str) -> str:
    """Store the rows of a run with its own report and ReFrame's; return the stored file's name.

    :raises UsageError: if the store cannot be written.
    """
    now = datetime.datetime.now(datetime.timezone.utc)
    table = table_from_report(report, now, user=current_user(), host_details=_host_details())
    raw = {
        str(path.relative_to(directory)): path.read_bytes()
        for path in sorted([directory / 'report.json', *directory.glob('reframe/*/report*.json')])
        if path.is_file()
    }
    return open_archive(address).publish(table, raw, now)


def _host_details() -> dict[str, str]:
    found = {}
    cpuinfo = Path('/proc/cpuinfo')
    governor = Path('/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor')
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding='utf-8', errors='replace').splitlines():
            name, _, value = line.partition(':')
            if name.strip() == 'microcode':
                found['microcode'] = value.strip()
                break
    if governor.exists():
        found['governor'] = governor.read_text(encoding='utf-8').strip()
    return found
