"""Reports as the driver would make them: three modules and the compat layer on three targets."""

from __future__ import annotations

from eessi_validate.results.model import (
    CaseId,
    CaseResult,
    Counters,
    Evidence,
    Excuse,
    HostFacts,
    Judgement,
    Metric,
    NotPlanned,
    Outcome,
    Plan,
    PlannedCase,
    Report,
    Run,
    Standing,
    Subject,
    VerdictCode,
)

GENERIC, HASWELL, ARM = 'x86_64/generic', 'x86_64/intel/haswell', 'aarch64/generic'
TARGETS = (GENERIC, HASWELL, ARM)
DIGEST = 'sha256:9f2c1e7ab0d94f6c3a8e5d1b7f60429c8e3d5a7b1c9f0e2d4b6a8c0e1f3a5b7d'

GROMACS, QE, OSU = (
    'GROMACS/2022.5-foss-2022b',
    'QuantumESPRESSO/7.2-foss-2022b',
    'OSU-Micro-Benchmarks/7.1-1-gompi-2022b',
)

JOB_SCRIPT = """#!/bin/bash
export EESSI_VERSION=2025.06
source /cvmfs/local.eessi.io/versions/2025.06/init/bash
module load GROMACS/2022.5-foss-2022b
gmx grompp -f water.mdp -c water.gro -p water.top -o water.tpr
mpirun -np 4 gmx_mpi mdrun -s water.tpr -nsteps 1000
"""

STDOUT = """           Step           Time
           1000        2.00000
   Energies (kJ/mol)
      Potential    Kinetic En.   Total Energy  Conserved En.
   -3.91245e+04    7.51830e+03   -3.16062e+04   -3.14998e+04
Finished mdrun on rank 0
"""

HOSTILE = (
    'a|b `x` ``y`` <script>alert(1)</script> @eessi-bot #123 ![i](http://evil.example/x.png) '
    '\x1b[31mred\x1b[0m \x00\x07\x1b]0;title\x07 \u202egnp \udc80 ]]> &amp; www.evil.example'
)


def case(
    module: str = GROMACS,
    target: str = GENERIC,
    test: str = 'EESSI_GROMACS_WaterBox',
    scale: str = '1_node',
    evidence: Evidence | None = None,
) -> PlannedCase:
    name, _, rest = module.partition('/')
    version, _, toolchain = rest.partition('-')
    grade = Evidence.EMULATED if target.startswith('aarch64') else Evidence.NATIVE
    return PlannedCase(
        id=CaseId(
            test=test,
            software=name,
            version=version,
            toolchain=toolchain,
            cpu_target=target,
            scale=scale,
        ),
        module='' if name == 'compat' else module,
        partition='local:default',
        kind='functional' if name == 'compat' else 'performance',
        required_metrics=() if name == 'compat' else ('speed',),
        evidence=evidence or grade,
        reason='new installation',
    )


def metrics() -> tuple[Metric, ...]:
    return (
        Metric(name='speed', value=41.73, unit='ns/day', direction='higher', reference=40.1),
        Metric(
            name='potential energy',
            value=-41.52,
            unit='kJ/mol',
            direction='truth',
            reference=-41.5,
            lower=-41.8,
            upper=-41.2,
        ),
    )


def passed(planned: PlannedCase, **more: object) -> CaseResult:
    given: dict[str, object] = {
        'case': planned,
        'outcome': Outcome.PASS,
        'attempts': (Outcome.PASS,),
        'metrics': metrics() if planned.required_metrics else (),
        'evidence': planned.evidence,
        'seconds': 34.2,
        'nodes': ('node01',),
        'exit_code': 0,
        'stdout_tail': STDOUT,
        'job_script': JOB_SCRIPT,
        'command': command_of(planned),
    }
    return CaseResult.model_validate(given | more)


def failed(planned: PlannedCase, outcome: Outcome, reason: str, **more: object) -> CaseResult:
    given: dict[str, object] = {
        'outcome': outcome,
        'reason': reason,
        'attempts': (outcome,),
        'metrics': (),
        'exit_code': 1,
        'phase': 'sanity',
    }
    return passed(planned, **(given | more))


def command_of(planned: PlannedCase) -> str:
    return (
        'reframe -C configs/local.py -c implementations -r '
        f"-n '/{planned.id.test}' --system={planned.partition}"
    )


def one_of_each() -> tuple[CaseResult, ...]:
    """Every outcome, a flaky pass and a waived failure."""
    energy = failed(
        case(target=HASWELL),
        Outcome.FAIL,
        'Conserved energy drifts by 3.4e-03 kJ/mol/ps per atom; at most 1.0e-03 was expected.',
        seconds=41.0,
        phase='sanity',
        directory='cases/gromacs-haswell',
        exit_code=0,
    )
    module_load = failed(
        case(QE, GENERIC, 'EESSI_QuantumESPRESSO_PW'),
        Outcome.ERROR,
        'module load QuantumESPRESSO/7.2-foss-2022b failed: '
        'libxc.so.12: cannot open shared object file.',
        phase='run',
        exit_code=127,
        stderr_tail='pw.x: error while loading shared libraries: libxc.so.12: cannot open shared '
        'object file: No such file or directory\n',
        stdout_tail='',
    )
    skipped = failed(
        case(OSU, GENERIC, 'EESSI_OSU_pt2pt', '2_nodes'),
        Outcome.SKIP,
        'Needs 2 nodes; partition local:default has 1.',
        phase='setup',
        exit_code=None,
        stdout_tail='',
        job_script='',
    )
    missing = CaseResult(
        case=case(QE, HASWELL, 'EESSI_QuantumESPRESSO_PW'), outcome=Outcome.MISSING
    )
    aborted = failed(
        case(OSU, HASWELL, 'EESSI_OSU_coll'),
        Outcome.ABORTED,
        'Stopped by SIGTERM after 212 s.',
        exit_code=143,
        phase='run',
        seconds=212.0,
    )
    known = failed(
        case(QE, ARM, 'EESSI_QuantumESPRESSO_PW'),
        Outcome.FAIL,
        'Total energy is -15.79 Ry; -15.84 +- 0.01 Ry was expected.',
    )
    flaky = passed(case(target=ARM), attempts=(Outcome.ERROR, Outcome.PASS))
    return (
        passed(case()),
        passed(case(test='EESSI_GROMACS_Restart')),
        energy,
        flaky,
        module_load,
        missing,
        known,
        skipped,
        aborted,
        *(passed(compat(target), seconds=1.2) for target in TARGETS),
    )


def compat(target: str) -> PlannedCase:
    return case('compat/2025.06', target, 'EESSI_CompatLoader', '1_core', Evidence.STATIC)


STANDINGS = {
    Outcome.PASS: Standing.PASSED,
    Outcome.FAIL: Standing.NEW_FAILURE,
    Outcome.ERROR: Standing.NEW_FAILURE,
    Outcome.ABORTED: Standing.HELD,
    Outcome.MISSING: Standing.LOST_COVERAGE,
    Outcome.SKIP: Standing.LOST_COVERAGE,
}


def report_of(
    results: tuple[CaseResult, ...],
    verdict: VerdictCode = VerdictCode.REJECT,
    summary: str = '2 new failures in QuantumESPRESSO and GROMACS; 2 cases lost their coverage.',
    known: tuple[str, ...] = (),
    excuses: tuple[Excuse, ...] = (),
    run: dict[str, object] | None = None,
    **more: object,
) -> Report:
    """A report on these results, judged by ``STANDINGS``."""
    standings = {
        r.case.full_key: Standing.KNOWN if r.case.full_key in known else STANDINGS[r.outcome]
        for r in results
    }
    counted = list(standings.values())
    executed: dict[str, object] = {
        'id': '20251123T101500Z-7f3a',
        'nonce': '5b1f0c9e',
        'started': '2025-11-23T10:15:00Z',
        'seconds': 642.0,
        'host': HostFacts(
            hostname='node01.cluster',
            cpu_model='Intel Xeon E5-2680 v3',
            cpu_target=HASWELL,
            cpus=24,
            kernel='5.14.0-427.el9.x86_64',
            os='Rocky Linux 9.4',
            load_before=0.12,
        ),
        'versions': {
            'eessi-validate': '0.1.0',
            'ReFrame': '4.10.4',
            'Python': '3.11.9',
            'eessi-library': '0.1.0',
        },
        'system': 'local',
        'command': 'eessi-validate gate eessi-2025.06-software-linux-x86_64-intel-haswell.tar.gz',
        'results': results,
    }
    given: dict[str, object] = {
        'subject': Subject(
            kind='tarball',
            repository='local.eessi.io',
            release='2025.06',
            root='/cvmfs/local.eessi.io',
            cpu_targets=TARGETS,
            digest=DIGEST,
            description='GROMACS and QuantumESPRESSO for foss-2022b',
        ),
        'judgement': Judgement(
            verdict=verdict,
            summary=summary,
            policy='default 1.0',
            excuses=excuses,
            standings=standings,
        ),
        'counters': Counters(
            planned=len(results),
            ran=sum(r.outcome not in (Outcome.SKIP, Outcome.MISSING) for r in results),
            passed=counted.count(Standing.PASSED),
            new_failures=counted.count(Standing.NEW_FAILURE),
            known=counted.count(Standing.KNOWN),
            lost_coverage=counted.count(Standing.LOST_COVERAGE),
            held=counted.count(Standing.HELD),
            flaky=sum(r.flaky for r in results),
        ),
        'plan': Plan(
            cases=tuple(r.case for r in results),
            not_planned=(
                NotPlanned(
                    subject=OSU, cpu_target=ARM, reason='emulated: message rates would say nothing'
                ),
                NotPlanned(subject='R/4.2.2-foss-2022b', reason='no implementation covers R'),
            ),
        ),
        'run': Run.model_validate(executed | (run or {})),
    }
    return Report.model_validate(given | more)


def rejected(**more: object) -> Report:
    results = one_of_each()
    energy, module_load, known = results[2], results[4], results[6]
    excuses = (
        Excuse(
            subject=GROMACS,
            check='new failure',
            cpu_target=HASWELL,
            effect='reject',
            reason=energy.reason,
            release='a build that conserves energy, or a reviewed waiver',
            cases=(energy.case.full_key,),
        ),
        Excuse(
            subject=QE,
            check='new failure',
            cpu_target=GENERIC,
            effect='reject',
            reason='libxc.so.12 is neither in the tarball nor in the base stack.',
            release='libxc/6.1.0-GCC-12.2.0 in the same tarball',
            cases=(module_load.case.full_key,),
        ),
        Excuse(
            subject=OSU,
            check='coverage',
            cpu_target=GENERIC,
            effect='hold',
            reason='The 2-node case was skipped.',
            release='a run on a partition with 2 nodes',
            cases=(results[7].case.full_key,),
        ),
        Excuse(
            subject=QE,
            check='waiver W-2025-014',
            cpu_target=ARM,
            effect='note',
            reason='Waived until 2026-01-31: support issue 203, rounding under emulation.',
            release='',
            cases=(known.case.full_key,),
        ),
    )
    return report_of(results, known=(known.case.full_key,), excuses=excuses, **more)


def accepted() -> Report:
    results = tuple(
        passed(planned)
        for target in TARGETS
        for planned in (case(target=target), case(target=target, test='EESSI_GROMACS_Restart'))
    ) + tuple(passed(compat(target), seconds=1.2) for target in TARGETS)
    return report_of(
        results,
        VerdictCode.ACCEPT,
        'All 9 planned cases passed on 3 CPU targets with fresh evidence.',
    )


def held() -> Report:
    """Nothing to run and a run that cannot be trusted."""
    return report_of(
        (),
        VerdictCode.HOLD,
        'No case was planned for the new installations: nothing to run is never a pass.',
        excuses=(
            Excuse(
                subject='R/4.2.2-foss-2022b',
                check='coverage',
                cpu_target='',
                effect='hold',
                reason='No implementation covers R.',
                release='an implementation that covers R, or a reviewed waiver',
            ),
        ),
        run={'problems': ("skipping test file 'osu.py': name conflict",), 'interrupted': True},
    )


def hostile(count: int, outcome: Outcome = Outcome.FAIL) -> Report:
    """Many failing cases whose names and output are written by an adversary."""
    results = tuple(
        failed(
            PlannedCase(
                id=CaseId(
                    test=f'T{i}{HOSTILE}',
                    software=f'evil{i % (count // 3 + 1)}{HOSTILE}',
                    version='1',
                    cpu_target=TARGETS[i % 3],
                    scale='1_node',
                ),
                module=f'evil{i % (count // 3 + 1)}/{HOSTILE}',
                partition='local:default',
                kind='functional',
            ),
            outcome,
            f'{i}: {HOSTILE}',
            stdout_tail='```\n</details>\n' + f'{HOSTILE}\n' * 40,
            stderr_tail=f'{HOSTILE}\r\n' * 5,
            job_script=HOSTILE,
            command=f"echo '{HOSTILE}'",
            directory='javascript:alert(1)',
        )
        for i in range(count)
    )
    excuses = tuple(
        Excuse(
            subject=f'{i}{HOSTILE}',
            check=HOSTILE,
            cpu_target=GENERIC,
            effect='reject',
            reason=HOSTILE,
            release=HOSTILE,
        )
        for i in range(count)
    )
    return report_of(results, summary=HOSTILE, excuses=excuses)


def many(count: int, failing: int = 20) -> Report:
    """A stack with ``count`` cases over 3 targets, a few of which fail."""
    results = []
    for i in range(count):
        planned = case(f'App{i // 6:04d}/1.2-foss-2022b', TARGETS[i % 3], f'EESSI_App_{i % 2}')
        results.append(
            failed(planned, Outcome.FAIL, 'The total energy is wrong.')
            if i < failing
            else passed(planned)
        )
    return report_of(tuple(results), summary=f'{failing} new failures.')
