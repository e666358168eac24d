"""A report of a run as rows of the store."""

from __future__ import annotations

import datetime
import getpass
from collections.abc import Iterator, Mapping
from typing import Any

from eessi_validate.results.archive.schema import table_of
from eessi_validate.results.archive.signature import signature
from eessi_validate.results.model import CaseResult, Outcome, Report


def table_from_report(
    report: Report,
    recorded: datetime.datetime,
    *,
    user: str = '',
    host_details: Mapping[str, str] | None = None,
) -> Any:
    """Return the table of a run; every planned case has a row, whatever became of it.

    :arg host_details: ``microcode`` and ``governor`` of the host, where the jobs ran on it.
    """
    return table_of(_rows(report, recorded, user, host_details or {}))


def current_user() -> str:
    """Return the login name, or '' where there is none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ''


def _rows(
    report: Report, recorded: datetime.datetime, user: str, details: Mapping[str, str]
) -> Iterator[dict[str, Any]]:
    run, subject, host = report.run, report.subject, report.run.host
    notes: dict[str, list[str]] = {}
    for excuse in report.judgement.excuses:
        for key in excuse.cases:
            notes.setdefault(key, []).append(f'{excuse.effect}: {excuse.reason}')
    common = {
        'run_id': run.id,
        'recorded': recorded,
        'time': datetime.datetime.fromisoformat(run.started),
        'source': 'eessi-validate',
        'repository': subject.repository,
        'release': subject.release,
        'digest': subject.digest,
        'system': run.system,
        'user': user,
        'hostname': host.hostname,
        'cpu_model': host.cpu_model,
        'host_target': host.cpu_target,
        'kernel': host.kernel,
        'os': host.os,
        'load_before': host.load_before,
        'tool_version': run.versions.get('eessi-validate', ''),
        'library_version': run.versions.get('eessi-library', run.versions.get('eessi-validate')),
        'reframe_version': run.versions.get('reframe', ''),
        'nonce': run.nonce,
        'verdict': report.judgement.verdict.value,
        'policy': report.judgement.policy,
    }
    for result in run.results:
        key = result.case.full_key
        standing = report.judgement.standings.get(key)
        here = details if set(result.nodes) <= {host.hostname, 'localhost'} else {}
        case = {
            **common,
            **_case(result),
            'standing': standing.value if standing else '',
            'waivers': '; '.join(notes.get(key, ())),
            'microcode': here.get('microcode', ''),
            'governor': here.get('governor', ''),
        }
        if not result.metrics:
            yield {**case, 'first': True}
        for number, metric in enumerate(result.metrics):
            yield {
                **case,
                'first': number == 0,
                'metric': metric.name,
                'value': metric.value,
                'unit': metric.unit,
                'direction': metric.direction,
                'reference': metric.reference,
                'lower': metric.lower,
                'upper': metric.upper,
            }


def _case(result: CaseResult) -> dict[str, Any]:
    case, identity = result.case, result.case.id
    passed = result.outcome is Outcome.PASS
    return {
        'test': identity.test,
        'software': identity.software,
        'version': identity.version,
        'toolchain': identity.toolchain,
        'cpu_target': identity.cpu_target,
        'scale': identity.scale,
        'repetition': case.repetition,
        'kind': case.kind,
        'outcome': result.outcome.value,
        'reason': result.reason,
        'signature': '' if passed else signature(result.reason, result.phase),
        'phase': result.phase,
        'attempts': ','.join(attempt.value for attempt in result.attempts),
        'evidence': result.evidence.value,
        'exit_code': result.exit_code,
        'seconds': result.seconds,
        'partition': case.partition.rpartition(':')[2],
        'environ': case.environ,
        'nodes': ','.join(result.nodes),
    }
