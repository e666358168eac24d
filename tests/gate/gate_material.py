"""Material for decisions: a tarball of one new installation and the results of its cases."""

from __future__ import annotations

from eessi_validate.gate.decision.decide import decide
from eessi_validate.gate.decision.policy_file import LoadedPolicy, PolicyFile
from eessi_validate.results.model import (
    Baseline,
    CaseId,
    CaseResult,
    GateRecord,
    HostFacts,
    Outcome,
    Plan,
    PlannedCase,
    Report,
    Run,
    Subject,
    TarballFinding,
    Waiver,
)

DAY = '2026-11-23'
DIGEST = 'sha256:' + 'a' * 64
TARGET = 'x86_64/generic'
MODULE = 'GROMACS/2022.5-foss-2022b'
TEST = 'EESSI_GROMACS_WaterBox'


def case(target: str = TARGET, module: str = MODULE, test: str = TEST) -> PlannedCase:
    name, _, version = module.partition('/')
    identity = CaseId(
        test=test, software=name, version=version.split('-')[0], toolchain='foss-2022b',
        cpu_target=target, scale='cores_1',
    )  # fmt: skip
    return PlannedCase(id=identity, module=module, partition='host:default', kind='functional')


def result(outcome: Outcome, *earlier: Outcome, **changes: str) -> CaseResult:
    return CaseResult(
        case=case(**changes), outcome=outcome,
        reason='' if outcome is Outcome.PASS else 'energy drifts', attempts=(*earlier, outcome),
    )  # fmt: skip


def finding(name: str, severity: str, *, waivable: bool, member: str = '') -> TarballFinding:
    return TarballFinding(
        id=name,
        severity=severity,  # type: ignore[arg-type]
        member=member,
        sentence='it is so',
        waivable=waivable,
    )


def waiver(**changes: str) -> Waiver:
    values = {
        'id': 'W1', 'check': TEST, 'target': TARGET, 'software': 'GROMACS', 'version': '<=2022.5',
        'issue': 'https://example.org/issues/1', 'owner': 'someone', 'expires': '2026-12-31',
    }  # fmt: skip
    return Waiver(**{**values, **changes})


def policy(*rules: dict[str, object], **changes: object) -> LoadedPolicy:
    content = {'schema_version': 1, 'name': 'p', 'rules': rules, **changes}
    return LoadedPolicy(PolicyFile.model_validate(content), 'sha256:policy')


def decided(
    *results: CaseResult,
    rules: LoadedPolicy | None = None,
    context: str = 'ingest',
    findings: tuple[TarballFinding, ...] = (),
    waivers: tuple[Waiver, ...] = (),
    baselines: tuple[Baseline, ...] = (),
    modules: tuple[str, ...] = (MODULE,),
    target: str = TARGET,
    **changes: object,
) -> Report:
    gate = GateRecord(
        tarball='eessi-2023.06-software-linux-x86_64-generic-1700000000.tar.zst', size=1,
        kind='software', os='linux', cpu_target=target, modules=modules, top='2023.06',
        findings=findings, base_digest='sha256:base', method='overlay', baselines=baselines,
        context=context, decided=DAY, waivers=waivers, trial='',
    ).model_copy(update=changes)  # fmt: skip
    subject = Subject(
        kind='tarball', repository='r', release='2023.06', root='/s', cpu_targets=(target,),
        digest=DIGEST,
    )  # fmt: skip
    host = HostFacts(hostname='h', cpu_model='m', cpu_target='zen2', cpus=2, kernel='k', os='o')
    run = Run(
        id='i', nonce='n', started='2026-11-23T10:00:00+00:00', seconds=1.0, host=host,
        versions={}, system='host', command='c', results=results,
    )  # fmt: skip
    plan = Plan(cases=tuple(r.case for r in results))
    return decide(subject, plan, run, gate, rules or policy())
