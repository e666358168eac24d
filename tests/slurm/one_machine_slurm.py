"""A real Slurm on one machine: munge, MariaDB, slurmdbd, slurmctld and four slurmd.

Everything listens in a network that has a loopback device only, and writes below one directory.
Each slurmd has a hostname and a /dev/shm of its own, so that MPI between two "nodes" goes by the
network, as it must on a cluster.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from loopback_network import LoopbackNetwork
from slurm_files import NODES, gres_conf, munge_key, slurm_conf, slurmdbd_conf

#: Debian packages, and a program of each of them.
PACKAGES = {
    'slurm-wlm': 'slurmctld',
    'munge': 'munged',
    'slurmdbd': 'slurmdbd',
    'mariadb-server': 'mariadbd',
}

#: Slurm's pmix plugin opens this name, which Debian ships in libpmix-dev, not in libpmix2.
PMIX_LIBRARY = 'libpmix.so'

#: Seconds that a daemon gets to answer, and to end.
_START_SECONDS = 60
_END_SECONDS = 10

_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


def missing_packages() -> list[str]:
    """Return the Debian packages that this machine lacks."""
    path = os.environ.get('PATH', '') + ':/usr/sbin:/sbin'
    missing = [name for name, program in PACKAGES.items() if not shutil.which(program, path=path)]
    try:
        ctypes.CDLL(PMIX_LIBRARY)
    except OSError:
        missing.append('libpmix-dev')
    return missing


def _end_with_parent() -> None:
    """Let the kernel end a daemon when the tests are killed (prctl(2))."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _free_ports(number: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(number)]
        for each in sockets:
            each.bind(('127.0.0.1', 0))
        return [each.getsockname()[1] for each in sockets]


@dataclass
class OneMachineSlurm:
    """A cluster below ``directory``; :meth:`start` it and, whatever happened, :meth:`stop` it."""

    directory: Path
    #: Environment of all that talks to this cluster.
    environment: dict[str, str] = field(init=False)
    #: Where its daemons listen, and all that talks to them must be.
    network: LoopbackNetwork = field(default_factory=LoopbackNetwork)
    _daemons: list[tuple[str, subprocess.Popen[bytes]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(('SLURM', 'SBATCH'))}
        kept['PATH'] = kept.get('PATH', '/usr/bin:/bin') + ':/usr/sbin:/sbin'
        self.environment = {
            **kept,
            'SLURM_CONF': str(self.directory / 'slurm.conf'),
            # Read by slurmdbd's MariaDB client library.
            'MYSQL_UNIX_PORT': str(self.directory / 'mariadb.socket'),
        }

    def start(self) -> None:
        """Start all daemons and wait until every node is idle."""
        self._write_files()
        here = self.directory
        self._daemon(
            'munged', '--foreground', '--force', '--num-threads=1',
            f'--key-file={here}/munge.key', f'--socket={here}/munge.socket',
            f'--pid-file={here}/munged.pid', f'--seed-file={here}/munged.seed',
            f'--log-file={here}/munged.log',
        )  # fmt: skip
        self._start_database()
        self._wait('munge', lambda: (here / 'munge.socket').exists())
        self._daemon('slurmdbd', '-D')
        self._wait('slurmdbd', lambda: self.succeeds('sacctmgr', '-n', 'list', 'cluster'))
        self.command('sacctmgr', '-n', '-i', 'add', 'cluster', 'one')
        self._daemon('slurmctld', '-D', '-f', f'{here}/slurm.conf')
        for node in NODES:
            script = (
                f'hostname {node} && mount -t tmpfs tmpfs /dev/shm '
                f'&& exec slurmd -D -f {here}/slurm.conf -N {node}'
            )
            self._daemon(
                'unshare', '--mount', '--uts', '--propagation', 'private', 'bash', '-c', script,
                name=f'slurmd-{node}',
            )  # fmt: skip
        self._wait('idle nodes', self.all_idle)

    def _write_files(self) -> None:
        here = self.directory
        for name in (
            'state',
            'mariadb',
            *(f'{kind}/{n}' for kind in ('spool', 'tmp') for n in NODES),
        ):
            (here / name).mkdir(parents=True)
        with self.network.entered():
            ports = _free_ports(2 + len(NODES))
        prolog = here / 'task_prolog'
        # Open MPI between "nodes" of one machine must use the loopback device, which it avoids, and
        # the nodes share their cores, so a rank that waits must not spin.
        prolog.write_text(
            '#!/bin/sh\necho export OMPI_MCA_btl_tcp_if_include=lo\n'
            'echo export OMPI_MCA_mpi_yield_when_idle=1\n'
        )
        prolog.chmod(0o755)
        (here / 'munge.key').write_bytes(munge_key())
        (here / 'munge.key').chmod(0o400)
        (here / 'slurm.conf').write_text(slurm_conf(here, socket.gethostname(), ports))
        (here / 'slurmdbd.conf').write_text(slurmdbd_conf(here, ports[1]))
        (here / 'slurmdbd.conf').chmod(0o600)
        for number in (0, 1):
            (here / f'gpu{number}').touch()
        (here / 'gres.conf').write_text(gres_conf(here))

    def _start_database(self) -> None:
        here = self.directory
        data, user = f'--datadir={here}/mariadb', '--user=root'
        self.command(
            'mariadb-install-db', '--no-defaults', user, data, '--skip-test-db',
            '--auth-root-authentication-method=normal',
        )  # fmt: skip
        self._daemon(
            'mariadbd', '--no-defaults', user, data, f'--socket={here}/mariadb.socket',
            f'--pid-file={here}/mariadb.pid', '--skip-networking',
            '--innodb-buffer-pool-size=64M', '--innodb-flush-log-at-trx-commit=0',
            '--innodb-lock-wait-timeout=900',
        )  # fmt: skip
        client = ('mariadb', '--no-defaults', '-uroot', f'--socket={here}/mariadb.socket')
        self._wait('MariaDB', lambda: self.succeeds(*client, '-e', 'create database slurm_acct_db'))

    def _daemon(self, *command: str, name: str = '') -> None:
        name = name or command[0]
        with (self.directory / f'{name}.out').open('wb') as output, self.network.entered():
            process = subprocess.Popen(
                command,
                env=self.environment,
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_end_with_parent,
            )
        self._daemons.append((name, process))

    def _wait(self, what: str, is_there: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while not is_there():
            for name, process in self._daemons:
                if process.poll() is not None:
                    raise RuntimeError(f'{name} ended: {self._last_words(name)}')
            if time.monotonic() > deadline:
                raise RuntimeError(f'no {what} after {_START_SECONDS} s; see {self.directory}')
            time.sleep(0.1)

    def _last_words(self, name: str) -> str:
        return (self.directory / f'{name}.out').read_text(errors='replace')[-2000:]

    def all_idle(self) -> bool:
        """Say whether every node waits for work."""
        answer = self._run('sinfo', '--noheader', '--Node', '--format=%N %T')
        states = dict(line.split() for line in answer.stdout.splitlines())
        return set(states) == set(NODES) and set(states.values()) == {'idle'}

    def command(self, *command: str) -> str:
        """Return the output of a command that must succeed."""
        done = self._run(*command)
        if done.returncode:
            raise RuntimeError(f'{" ".join(command)}: {done.stdout}{done.stderr}')
        return done.stdout

    def succeeds(self, *command: str) -> bool:
        """Say whether a command ends with status 0."""
        return self._run(*command).returncode == 0

    def _run(self, *command: str) -> subprocess.CompletedProcess[str]:
        with self.network.entered():
            return subprocess.run(
                command,
                env=self.environment,
                capture_output=True,
                text=True,
                timeout=_START_SECONDS,
            )

    def queue(self) -> list[str]:
        """Return the jobs that are in the queue, one line each."""
        return self.command('squeue', '--noheader').splitlines()

    def stop(self) -> None:
        """Cancel all jobs and end all daemons, last started first, each by its id."""
        with contextlib.suppress(RuntimeError, subprocess.TimeoutExpired, OSError):
            self.command('scancel', '--user=root')
            deadline = time.monotonic() + _END_SECONDS
            while self.queue() and time.monotonic() < deadline:
                time.sleep(0.2)
        for _, process in reversed(self._daemons):
            process.terminate()
        for _, process in reversed(self._daemons):
            try:
                process.wait(timeout=_END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
