"""Starts the command line as a user of the cluster does, and reads what it leaves."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from one_machine_slurm import OneMachineSlurm

from eessi_validate.rfm.partitions import shipped_config

#: The detected configuration under test.
CONFIG = shipped_config('slurm_cluster')

_CHECKS = Path(__file__).parent / 'water_checks.py'

#: Options that choose the shipped water box, a small one, and one that is held up.
WATER = ('--test', 'EESSI_GROMACS_WaterBox')
SMALL_WATER = ('--checks', str(_CHECKS), '--test', 'SmallWater')
HELD_WATER = ('--checks', str(_CHECKS), '--test', 'HeldWater')

#: Seconds after which a run is stopped as Ctrl-C does.
_PATIENCE = 170


@dataclass(frozen=True)
class Verdict:
    """What a run said."""

    code: int
    report: dict[str, Any]
    printed: str

    @property
    def name(self) -> str:
        """ACCEPT, REJECT or HOLD."""
        return str(self.report['judgement']['verdict'])

    @property
    def result(self) -> dict[str, Any]:
        """The result of the only case."""
        (result,) = self.report['run']['results']
        return dict(result)

    @property
    def reason(self) -> str:
        """Why the only case did not pass."""
        return str(self.result['reason'])


@dataclass(frozen=True)
class Driver:
    """The command line on the cluster's own environment and network."""

    cluster: OneMachineSlurm
    stack: Path

    def start(
        self, out: Path, *options: str, variables: Mapping[str, str] | None = None
    ) -> subprocess.Popen[str]:
        """Start ``eessi-validate run`` with results in ``out``."""
        return self._popen(
            'run', '--stack', str(self.stack), '--config', str(CONFIG), '--out', str(out), *options,
            variables=variables,
        )  # fmt: skip

    def run(self, out: Path, *options: str, variables: Mapping[str, str] | None = None) -> Verdict:
        """Run to the end."""
        return self.finish(self.start(out, *options, variables=variables), out)

    @staticmethod
    def finish(process: subprocess.Popen[str], out: Path) -> Verdict:
        """Wait for a run, and stop it if it takes too long."""
        try:
            printed, _ = process.communicate(timeout=_PATIENCE)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
            printed, _ = process.communicate(timeout=60)
        path = out / 'report.json'
        assert path.exists(), printed
        return Verdict(process.returncode, json.loads(path.read_text()), printed)

    def doctor(
        self, variables: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run ``eessi-validate doctor`` on the detected configuration."""
        process = self._popen(
            'doctor', '--config', str(CONFIG), '--system', 'cluster', variables=variables
        )
        printed, _ = process.communicate(timeout=_PATIENCE)
        return subprocess.CompletedProcess(process.args, process.returncode, printed)

    def _popen(
        self, *arguments: str, variables: Mapping[str, str] | None = None
    ) -> subprocess.Popen[str]:
        start = 'from eessi_validate.cli import main; main()'
        with self.cluster.network.entered():
            return subprocess.Popen(
                [sys.executable, '-c', start, *arguments],
                env={**self.cluster.environment, **(variables or {})},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
