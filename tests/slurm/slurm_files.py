"""The files of the one-machine cluster: slurm.conf, slurmdbd.conf and munge's key."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

#: Two nodes of one core, and two of two cores with two threads each and, in name only, two GPUs.
NODES = ('core1', 'core2', 'smt1', 'smt2')


def munge_key() -> bytes:
    """Return a key that only this cluster has."""
    return os.urandom(1024)


def slurm_conf(here: Path, host: str, ports: Sequence[int]) -> str:
    """Return slurm.conf(5).

    :arg here: directory of the cluster.
    :arg host: name of this machine.
    :arg ports: free ports: of slurmctld, of slurmdbd, and one for each node.
    """
    shapes = {
        'core': 'CoresPerSocket=1 ThreadsPerCore=1',
        'smt': 'CoresPerSocket=2 ThreadsPerCore=2 Gres=gpu:model1:2',
    }
    nodes = '\n'.join(
        f'NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} Sockets=1'
        f' {shapes[node[:-1]]} RealMemory=4000'
        for node, port in zip(NODES, ports[2:], strict=True)
    )
    return f"""\
ClusterName=one
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={here}/munge.socket
StateSaveLocation={here}/state
SlurmdSpoolDir={here}/spool/%n
SlurmctldPidFile={here}/slurmctld.pid
SlurmdPidFile={here}/slurmd.%n.pid
SlurmctldLogFile={here}/slurmctld.log
SlurmdLogFile={here}/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
TaskProlog={here}/task_prolog
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_interval=1,bf_interval=1,sched_min_interval=100000
MpiDefault=none
ReturnToService=1
SlurmdParameters=config_overrides
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort={ports[1]}
AccountingStoragePass={here}/munge.socket
JobCompType=jobcomp/none
JobAcctGatherType=jobacct_gather/none
SwitchType=switch/none
GresTypes=gpu
InactiveLimit=0
KillWait=2
SlurmctldTimeout=60
SlurmdTimeout=60
TmpFS={here}/tmp/%n
CommunicationParameters=NoAddrCache,NoCtldInAddrAny
{nodes}
PartitionName=smt Nodes=smt[1-2] MaxTime=60 State=UP
PartitionName=core Nodes=core[1-2] Default=YES MaxTime=20 State=UP
PartitionName=closed Nodes=core[1-2] MaxTime=60 State=INACTIVE
PartitionName=down Nodes=core[1-2] MaxTime=60 State=DOWN
PartitionName=broken Nodes=smt2 MaxTime=60 State=UP
"""


def gres_conf(here: Path) -> str:
    """Return gres.conf(5): plain files stand for the devices, so nothing can compute on them."""
    return f'NodeName=smt[1-2] Name=gpu Type=model1 File={here}/gpu[0-1]\n'


def slurmdbd_conf(here: Path, port: int) -> str:
    """Return slurmdbd.conf(5)."""
    return f"""\
AuthType=auth/munge
AuthInfo=socket={here}/munge.socket
DbdAddr=127.0.0.1
DbdHost=localhost
DbdPort={port}
SlurmUser=root
StorageType=accounting_storage/mysql
StorageHost=localhost
StorageUser=root
StorageLoc=slurm_acct_db
PidFile={here}/slurmdbd.pid
LogFile={here}/slurmdbd.log
CommitDelay=0
"""
