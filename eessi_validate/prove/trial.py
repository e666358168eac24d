"""Runs a test once on software that is changed for this run only."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from eessi_validate.errors import HoldError
from eessi_validate.prove.observation import opened_files
from eessi_validate.prove.programs import Program
from eessi_validate.results.model import CaseResult, PlannedCase
from eessi_validate.results.store import RunStore, SavedPlan
from eessi_validate.rfm.partitions import shipped_config
from eessi_validate.run.engine import Execution
from eessi_validate.run.prepare import Prepared
from eessi_validate.run.progress import QuietProgress

_HERE = Path(__file__).parent

_STUB = """\
#!{shell}
EESSI_VALIDATE_PROVE_LIBRARY_PATH=${{LD_LIBRARY_PATH-}}
EESSI_VALIDATE_PROVE_PRELOAD=${{LD_PRELOAD-}}
export EESSI_VALIDATE_PROVE_LIBRARY_PATH EESSI_VALIDATE_PROVE_PRELOAD
unset LD_LIBRARY_PATH LD_PRELOAD
exec {python} -I -S {agent} {control} {real} "$0" "$@"
"""


@dataclass(frozen=True)
class Stage:
    """What all trials of one test share."""

    prepared: Prepared
    case: PlannedCase
    programs: tuple[Program, ...]
    stop: threading.Event


@dataclass(frozen=True)
class Trial:
    """One run of the case."""

    #: Fresh directory for all it writes.
    directory: Path
    nonce: str
    #: Time limit in seconds; 0 leaves it to the test.
    seconds: int = 0
    #: What the stand-ins do; empty leaves the programs themselves in place.
    orders: Mapping[str, Any] | None = None
    #: Paths below the root that are not there.
    removed: tuple[str, ...] = ()
    #: Directories whose opened files are noted.
    watch: tuple[Path, ...] = ()
    #: Leave the stack as it is, and run on it.
    plain: bool = False

    @property
    def control(self) -> Path:
        """Directory that the stand-ins write to."""
        return self.directory / 'control'


def run_trial(stage: Stage, trial: Trial) -> CaseResult:
    """Run the case once and return its result.

    :raises HoldError: if this system lets nobody look at a changed stack.
    """
    prepared = stage.prepared
    limit = f'{trial.seconds}s' if trial.seconds else prepared.request.time_limit
    prepared = replace(
        prepared,
        request=replace(prepared.request, time_limit=limit),
        configs=(*prepared.configs, shipped_config('opened')),
    )
    store = RunStore.create(trial.directory, _saved(prepared, trial))
    trial.control.mkdir()
    execution = Execution(
        prepared=prepared,
        store=store,
        nonce=trial.nonce,
        progress=QuietProgress(1, trial.directory),
        stop=stage.stop,
        prefix=() if trial.plain else _view(stage, trial),
        environment={'EESSI_VALIDATE_OPENED': str(trial.control / 'judged')},
    )
    execution.execute([stage.case])
    for problem in execution.problems:
        if problem.startswith('no private view'):
            raise HoldError(
                f'{problem}. prove changes the software only in a view of its own, which needs '
                'user and mount namespaces and overlayfs: run it as root or on a host that allows '
                'them to users (sysctl kernel.unprivileged_userns_clone, '
                'user.max_user_namespaces; for a container: --privileged)'
            )
    (result,) = store.results()
    return result


def run_session(stage: Stage, trial: Trial, start: Path) -> frozenset[Path]:
    """Enter the compat layer as a job does, count nothing, leave; return the files opened.

    :arg start: its ``startprefix``.
    """
    trial.control.mkdir(parents=True)
    init = stage.prepared.release.init
    script = f'. {shlex.quote(str(init))} >/dev/null 2>&1\n{shlex.quote(str(start))} <<< "wc -c"\n'
    script += 'sleep 1\n'  # the watcher writes down what it saw
    subprocess.run(
        [*_view(stage, trial), 'bash', '-c', script],
        stdin=subprocess.DEVNULL, capture_output=True, check=False,
    )  # fmt: skip
    return frozenset(opened_files(trial.control))


def _saved(prepared: Prepared, trial: Trial) -> SavedPlan:
    return SavedPlan(
        plan=prepared.plan,
        nonce=trial.nonce,
        run_id=hashlib.sha256(trial.nonce.encode()).hexdigest()[:16],
        request=asdict(prepared.request),
        digest='',
    )


def _view(stage: Stage, trial: Trial) -> tuple[str, ...]:
    """Prepare what ``view.py`` lays over the stack; return the words before ReFrame's command."""
    private, spec = trial.directory / 'private', trial.directory / 'view.json'
    private.mkdir()
    files, copies = {}, {}
    if trial.orders is not None:
        (trial.control / 'calls').mkdir()
        orders = trial.control / 'orders.json'
        orders.write_text(json.dumps(dict(trial.orders)), encoding='utf-8')
        for program in stage.programs:
            if program.relative not in trial.removed:
                real = hidden(program.relative)
                files[program.relative] = _stub(stage, trial, real)
                copies[real] = program.relative
    document = {
        'root': str(stage.prepared.stack.root),
        'private': str(private),
        'files': files,
        'copies': copies,
        'removed': list(trial.removed),
        'watch': [str(path) for path in trial.watch],
        'opened': str(trial.control / 'opened'),
    }
    spec.write_text(json.dumps(document, indent=1), encoding='utf-8')
    return (sys.executable, '-I', str(_HERE / 'view.py'), str(spec))


def hidden(relative: str) -> str:
    """Return where the real program waits beside its stand-in."""
    directory, _, name = relative.rpartition('/')
    return f'{directory}/.{name}.sound'


def _stub(stage: Stage, trial: Trial, real: str) -> str:
    release, root = stage.prepared.release, stage.prepared.stack.root
    family = stage.case.id.cpu_target.split('/')[0]
    shell = release.compat(family) / 'usr' / 'bin' / 'bash'
    words = (sys.executable, _HERE / 'agent.py', trial.control, root / real)
    python, agent, control, program = (shlex.quote(str(word)) for word in words)
    return _STUB.format(
        shell=shell if os.access(shell, os.X_OK) else '/bin/sh',
        python=python,
        agent=agent,
        control=control,
        real=program,
    )
