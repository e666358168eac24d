"""The partitions of a ReFrame system: of this host as detected, or of a site's configuration."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from eessi_validate.errors import HoldError, UsageError, unknown_name


@dataclass(frozen=True)
class Partition:
    """What the planner must know of one partition."""

    #: ``system:partition``.
    name: str
    #: First environment of the partition.
    environ: str
    features: frozenset[str]
    scheduler: str
    #: GPUs of each node, from ``devices`` of the configuration.
    gpus: int = 0


def shipped_config(name: str) -> Path:
    """Return the path of a ReFrame configuration that ships with the project."""
    return Path(str(files('eessi_configs').joinpath(f'{name}.py')))


#: ReFrame leaves a log of its first steps where temporary files go; that is to be where it starts.
#: Not by TMPDIR, which jobs would inherit: paths of sockets below it have little room.
_REFRAME = """
import os, tempfile
tempfile.tempdir = os.getcwd()
from reframe.frontend.cli import main
main()
"""


def reframe_command() -> list[str]:
    """Return the command that starts the ReFrame of this Python environment.

    It leaves its logs, ``rfm-*.log``, in the directory that it is started in.
    """
    return [sys.executable, '-c', _REFRAME]


def host_partitions() -> tuple[Partition, ...]:
    """Return the partition of the generic configuration, without starting ReFrame."""
    from eessi_configs import generic_host

    system = generic_host.site_configuration['systems'][0]
    return tuple(_partition(system['name'], row) for row in system['partitions'])


def site_partitions(configs: Sequence[Path], system: str) -> tuple[Partition, ...]:
    """Return the partitions of ``system`` (or ``system:partition``) of a site's configuration.

    :raises UsageError: if the configuration cannot be loaded or has no such system.
    """
    document = _show_config(configs, 'systems')
    name, _, wanted = system.partition(':')
    systems = {row['name']: row for row in document}
    if name not in systems:
        raise unknown_name('system', name, (n for n in systems if n != 'generic'))
    partitions = {row['name']: row for row in systems[name].get('partitions', ())}
    if wanted and wanted not in partitions:
        raise unknown_name('partition', wanted, partitions)
    rows = [partitions[wanted]] if wanted else list(partitions.values())
    return tuple(_partition(name, row) for row in rows)


def _partition(system: str, row: dict[str, Any]) -> Partition:
    environs = row.get('environs') or ['']
    return Partition(
        name=f'{system}:{row["name"]}',
        environ=environs[0],
        features=frozenset(row.get('features', ())),
        scheduler=row.get('scheduler', 'local'),
        gpus=sum(
            int(device.get('num_devices', 1))
            for device in row.get('devices', ())
            if device.get('type') == 'gpu'
        ),
    )


#: Exit status of ``_LOAD`` where a scheduler does not answer.
_NO_ANSWER = 75

_LOAD = f"""
import json, sys
from reframe.core.config import load_config
try:
    loaded = load_config('<builtin>', *sys.argv[2:])
except Exception as error:
    cause = error
    while cause is not None:
        if isinstance(cause, (ConnectionError, TimeoutError)):
            print(cause, file=sys.stderr)
            sys.exit({_NO_ANSWER})
        cause = cause.__cause__ or cause.__context__
    raise
print(chr(10) + json.dumps(loaded[sys.argv[1]]))
"""


def _show_config(configs: Sequence[Path], parameter: str) -> Any:
    """Load configuration files with ReFrame's own loader, in a process of its own.

    :raises HoldError: if a configuration asks a scheduler that does not answer, which it says by
        ``ConnectionError`` or ``TimeoutError``.
    :raises UsageError: if a configuration cannot be loaded for another reason.
    """
    command = [sys.executable, '-c', _LOAD, parameter, *map(str, configs)]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ.copy())
    if done.returncode:
        last = (done.stderr.strip() or 'no message').splitlines()[-1]
        if done.returncode == _NO_ANSWER:
            raise HoldError(f'the ReFrame configuration {configs[0]} has no answer: {last}')
        raise UsageError(f'cannot load the ReFrame configuration {configs[0]}: {last}')
    return json.loads(done.stdout.strip().splitlines()[-1])
