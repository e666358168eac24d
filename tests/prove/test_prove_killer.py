"""Who has seen a mutant is told by the result of its case, as the driver reconciles it."""

from __future__ import annotations

import pytest

from eessi_library.diagnosis import END_MARKER
from eessi_validate.prove.killer import DISBELIEF, REFERENCE, TEST, TIME_LIMIT, killer
from eessi_validate.results.model import CaseId, PlannedCase
from eessi_validate.rfm.catalogue import TestInfo
from eessi_validate.rfm.records import CaseRecord, PerformanceValue
from eessi_validate.run.reconcile import CaseFiles, judge_record

CASE = PlannedCase(
    id=CaseId(
        test='T', software='Tool', version='1.0', cpu_target='x86_64/generic', scale='cores_1'
    ),
    partition='host:default', kind='functional', required_metrics=('speed',),
)  # fmt: skip
INFO = TestInfo('T', 'Tool', 'functional', ('cores_1',), (), {'speed': 'higher'}, 't.py')
SPEED = PerformanceValue('speed', 12.0, 'ns/day', None, None, None)


@pytest.mark.parametrize(
    ('result', 'phase', 'reason', 'metrics', 'by'),
    [
        ('pass', '', '', (SPEED,), ''),
        ('skip', '', 'no room', (), ''),
        ('fail', 'run', 'node down', (), ''),
        ('fail', 'sanity', 'sanity error: energy is 26', (), TEST),
        ('fail', 'sanity', 'job exited with exit code 139', (), TEST),
        ('fail', 'performance', 'performance error: speed is 1', (SPEED,), REFERENCE),
        ('fail', 'run', 'job timed out (5 s)', (), TIME_LIMIT),
        ('pass', '', '', (), DISBELIEF),
    ],
)
def test_killer_is_named(
    result: str, phase: str, reason: str, metrics: tuple[PerformanceValue, ...], by: str
) -> None:
    record = CaseRecord(
        test='T', key=CASE.key, result=result, phase=phase, reason=reason, performance=metrics,
        stage='/stage', exit_code=0, nodes=('node1',), seconds=3.5, hashcode='0badcafe',
    )  # fmt: skip
    files = CaseFiles(stdout=f'{END_MARKER} 0123\n')
    assert killer(judge_record(CASE, record, files, INFO, '')) == by
