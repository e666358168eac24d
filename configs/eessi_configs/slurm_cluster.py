"""ReFrame configuration of the Slurm cluster it is read on, as Slurm describes itself.

One ReFrame partition for each Slurm partition, the default one first. The site adds what Slurm
cannot tell through three environment variables: :data:`ACCESS_VARIABLE`,
:data:`LAUNCHER_VARIABLE` and :data:`JOB_VARIABLES_VARIABLE`.
"""

import math
import os
import re
import shlex
import subprocess
from typing import Any

from eessi_configs.host import mpi_variables, prepare_commands, scale_features

#: Options of every job, as sbatch takes them, e.g. ``--account=project1 --qos=short``.
ACCESS_VARIABLE = 'CLUSTER_ACCESS'

#: ReFrame's name of the launcher, e.g. ``mpirun``, instead of the one that is chosen below.
LAUNCHER_VARIABLE = 'CLUSTER_LAUNCHER'

#: Variables of every job, e.g. ``UCX_TLS=rc,self OMPI_MCA_btl_tcp_if_include=ib0``.
JOB_VARIABLES_VARIABLE = 'CLUSTER_JOB_VARIABLES'

#: Time limit of jobs that ask for none, in minutes, where the partition allows as much.
_TIME_LIMIT_MINUTES = 30

#: Seconds that a Slurm command may take; its own timeout (``MessageTimeout``) is 10 s a try.
_PATIENCE = 60

#: Reasons for pending, as squeue prints them up to a comma, that end only when somebody acts.
_NEVER_STARTS = (
    'AccountNotAllowed',
    'BadConstraints',
    'InvalidAccount',
    'InvalidQOS',
    'JobHeldAdmin',
    'NodeDown',
    'Nodes required for job are DOWN',
    'PartitionDown',
    'PartitionInactive',
    'PartitionNodeLimit',
    'PartitionTimeLimit',
    'QOSNotAllowed',
    'ReqNodeNotAvail',
)

_FIELD = re.compile(r'(?:^|\s)([A-Za-z]\w*)=(\S+)')
_GPU = re.compile(r'(?:^|,)gpu:(?:(?P<model>[^:,()]*[^:,()\d][^:,()]*):)?(?P<count>\d+)')
_DURATION = re.compile(r'(?:(\d+)-)?(\d+):(\d\d):(\d\d)$')

#: One node or partition as ``scontrol show --oneliner`` describes it.
Entity = dict[str, str]


def _answer(*command: str) -> str:
    """Return what a Slurm command prints.

    :raises ConnectionError: with Slurm's own message, if there is no answer.
    :raises RuntimeError: if Slurm is not installed here.
    """
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE)
    except FileNotFoundError:
        raise RuntimeError(
            f'no Slurm here: {command[0]} is not in PATH; run on a host that can submit jobs'
        ) from None
    except subprocess.TimeoutExpired:
        raise TimeoutError(f'Slurm does not answer: `{shlex.join(command)}` hangs') from None
    if done.returncode:
        message = ' '.join((done.stderr or done.stdout).split())
        raise ConnectionError(f'Slurm does not answer: `{shlex.join(command)}`: {message}')
    return done.stdout + done.stderr


def _entities(kind: str) -> list[Entity]:
    lines = _answer('scontrol', 'show', '--oneliner', kind).splitlines()
    return [dict(_FIELD.findall(line)) for line in lines if '=' in line]


def _scheduler() -> str:
    """Return ``slurm`` if accounting answers, which also knows exit codes, otherwise ``squeue``."""
    try:
        _answer('sacct', '--noheader', '--allocations', '--starttime', 'now')
    except (OSError, RuntimeError):
        return 'squeue'
    return 'slurm'


def _launcher() -> str:
    """Return ``srun`` where Slurm speaks PMIx, as the stack's OpenMPI does, else ``mpirun``."""
    if chosen := os.environ.get(LAUNCHER_VARIABLE):
        return chosen
    return 'srun' if 'pmix' in _answer('srun', '--mpi=list').split() else 'mpirun'


def _processor(node: Entity) -> dict[str, Any]:
    """Return ReFrame's ``processor`` of a node, without cores that Slurm keeps for itself."""
    sockets, cores = int(node['Sockets']), int(node['CoresPerSocket'])
    total = int(node['CPUTot'])
    # A node declared with CPUs=cores is scheduled by core, whatever its threads (slurm.conf, CPUs).
    threads = 1 if total == sockets * cores else int(node['ThreadsPerCore'])
    return {
        'arch': node.get('Arch', ''),
        'num_cpus': int(node.get('CPUEfctv', total)),
        'num_cpus_per_core': threads,
        'num_cpus_per_socket': cores * threads,
        'num_sockets': sockets,
    }


def _cores(node: Entity) -> int:
    processor = _processor(node)
    return int(processor['num_cpus'] // processor['num_cpus_per_core'])


def _gpus(node: Entity) -> dict[str, Any] | None:
    """Return ReFrame's ``device`` of a node's GPUs, from e.g. ``Gres=gpu:a100:4(S:0-1)``."""
    found = list(_GPU.finditer(node.get('Gres', '')))
    if not found:
        return None
    model = next((match['model'] for match in found if match['model']), '')
    count = sum(int(match['count']) for match in found)
    return {'type': 'gpu', 'model': model, 'num_devices': count}


def _time_limit(partition: Entity) -> str:
    """Return the time limit for jobs that ask for none, in ReFrame's notation."""
    if not (found := _DURATION.match(partition.get('MaxTime', ''))):
        return f'{_TIME_LIMIT_MINUTES}m'
    days, hours, minutes, seconds = (int(group or 0) for group in found.groups())
    longest = ((days * 24 + hours) * 60 + minutes) + math.ceil(seconds / 60)
    return f'{min(longest, _TIME_LIMIT_MINUTES)}m'


def _resources(gpus: dict[str, Any] | None) -> list[dict[str, Any]]:
    resources: list[dict[str, Any]] = [{'name': 'memory', 'options': ['--mem={size}']}]
    if gpus:
        # ReFrame's name for the resource behind ``num_gpus_per_node``.
        options = ['--gpus-per-node={num_gpus_per_node}']
        resources.append({'name': '_rfm_gpu', 'options': options})
    return resources


def _job_variables(launcher: str) -> list[list[str]]:
    chosen = shlex.split(os.environ.get(JOB_VARIABLES_VARIABLE, ''))
    variables = [list(word.partition('=')[::2]) for word in chosen]
    if launcher == 'srun':
        variables.insert(0, ['SLURM_MPI_TYPE', 'pmix'])
    return [*mpi_variables(), *variables]


def _partition(row: Entity, nodes: list[Entity], scheduler: str, launcher: str) -> dict[str, Any]:
    """Describe one Slurm partition by its smallest node, so that every case fits every node."""
    smallest = min(nodes, key=_cores)
    gpus = _gpus(smallest)
    name = row['PartitionName']
    return {
        # Slurm allows names that ReFrame does not.
        'name': re.sub(r'[^\w-]', '_', name),
        'descr': f'Slurm partition {name}: {len(nodes)} node(s), {_cores(smallest)} cores or more',
        'scheduler': scheduler,
        'sched_options': {
            # --ntasks-per-node alone is a maximum (sbatch(1)): tasks could spread over more nodes.
            'use_nodes_option': True,
            'slurm_job_cancel_reasons': list(_NEVER_STARTS),
            'slurm_pending_job_reason_poll_freq': 5,
        },
        'launcher': launcher,
        'access': [
            f'--partition={name}',
            *shlex.split(os.environ.get(ACCESS_VARIABLE, '')),
        ],
        'environs': ['default'],
        'processor': _processor(smallest),
        'devices': [gpus] if gpus else [],
        'features': [
            'cpu',
            *(['gpu'] if gpus else []),
            *scale_features(_cores(smallest), len(nodes)),
        ],
        'resources': _resources(gpus),
        'prepare_cmds': prepare_commands(),
        'env_vars': _job_variables(launcher),
        'time_limit': _time_limit(row),
        'max_jobs': 64,
    }


def _partitions() -> list[dict[str, Any]]:
    nodes, scheduler, launcher = _entities('nodes'), _scheduler(), _launcher()
    found = []
    for row in sorted(_entities('partitions'), key=lambda row: row.get('Default') != 'YES'):
        name = row['PartitionName']
        members = [node for node in nodes if name in node.get('Partitions', '').split(',')]
        if members:
            found.append(_partition(row, members, scheduler, launcher))
    if not found:
        raise RuntimeError(
            'Slurm names no partition that has nodes: see `scontrol show partitions`'
        )
    return found


def _configuration() -> dict[str, Any]:
    return {
        'systems': [
            {
                'name': 'cluster',
                'descr': 'The Slurm cluster of this host, as detected',
                'hostnames': ['.*'],
                # Jobs source the stack's init script, which brings the stack's own module system.
                'modules_system': 'nomod',
                'partitions': _partitions(),
            }
        ],
        'environments': [{'name': 'default', 'features': ['eessi'], 'target_systems': ['cluster']}],
        'general': [{'resolve_module_conflicts': False, 'target_systems': ['cluster']}],
    }


site_configuration = _configuration()
