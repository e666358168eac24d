"""Gates a crafted tarball over the small base stack; a function plays the runs of cases."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import yaml
from tar_crafting import Tarball, as_json

from eessi_validate.gate import flow
from eessi_validate.gate.overlay.candidate import Job, RunOutcome
from eessi_validate.gate.versions import gate_versions
from eessi_validate.results.model import CaseId, CaseResult, Outcome, Plan, PlannedCase, Report, Run
from eessi_validate.run.host import host_facts

MODULE = 'Foo/1.0-foss-2022b'


class Player:
    """Stands for the process that runs the cases."""

    def __init__(self, outcome: Outcome = Outcome.PASS, on_base: Outcome | None = None) -> None:
        self.outcome = outcome
        self.on_base = on_base
        self.jobs: list[Job] = []

    def __call__(self, job: Job) -> RunOutcome:
        self.jobs.append(job)
        if job.extracted is not None:
            assert (job.extracted / '2023.06').is_dir()
        outcome = self.outcome if job.extracted or self.on_base is None else self.on_base
        name, _, version = MODULE.partition('/')
        identity = CaseId(
            test='T', software=name, version=version.split('-')[0], toolchain='foss-2022b',
            cpu_target='x86_64/amd/zen2', scale='cores_1',
        )  # fmt: skip
        case = PlannedCase(id=identity, module=MODULE, partition='h:d', kind='functional')
        result = CaseResult(case=case, outcome=outcome, reason='why', attempts=(outcome,))
        run = Run(
            id='i', nonce=job.nonce, seconds=1.0, host=host_facts(), versions={}, system='h',
            command=job.command, results=(result,),
            started=datetime.datetime.now(datetime.timezone.utc).isoformat(),
        )  # fmt: skip
        return RunOutcome('overlay', plan=Plan(cases=(case,)), run=run)


def write(made: Tarball, directory: Path) -> tuple[Path, Path | None]:
    """Write a tarball and its metadata; return their paths."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / made.name
    path.write_bytes(made.packed)
    if made.metadata is None:
        return path, None
    beside = directory / f'{made.name}.meta.txt'
    beside.write_bytes(as_json(made.metadata))
    return path, beside


def gate(
    made: Tarball, base: Path, directory: Path, player: Player, monkeypatch: Any, **options: Any
) -> Report:
    """Gate a crafted tarball in ``directory``."""
    path, metadata = write(made, directory / 'in')
    monkeypatch.setattr(flow, 'run_job', player)
    request = flow.GateRequest(
        tarball=path, stack=base, out=directory / 'out', metadata=metadata, **options
    )
    return flow.gate_tarball(request)


def official_policy(directory: Path, **changes: Any) -> Path:
    """Write a policy that pins what runs here."""
    versions = gate_versions()
    pins = {name: versions[name] for name in ('source', 'reframe', 'python')}
    content = {'schema_version': 1, 'name': 'official', 'pins': pins, **changes}
    path = directory / 'official.yaml'
    path.write_text(yaml.safe_dump(content))
    return path
