"""ReFrame configuration of the host it is read on: one partition, local scheduler, mpirun."""

from typing import Any

from eessi_configs.host import mpi_variables, prepare_commands, processor, scale_features


def _configuration() -> dict[str, Any]:
    host = processor()
    cores = host['num_cpus'] // host['num_cpus_per_core']
    partition = {
        'name': 'default',
        'descr': 'this host',
        'scheduler': 'local',
        'launcher': 'mpirun',
        'environs': ['default'],
        'processor': host,
        'features': ['cpu', *scale_features(cores, nodes=1)],
        'prepare_cmds': prepare_commands(),
        'env_vars': mpi_variables(),
        'max_jobs': cores,
    }
    return {
        'systems': [
            {
                'name': 'host',
                'descr': 'Any host, as detected',
                'hostnames': ['.*'],
                # Jobs source the stack's init script, which brings the stack's own module
                # system; ReFrame itself needs none, and works also where that one is broken.
                'modules_system': 'nomod',
                'max_local_jobs': cores,
                'partitions': [partition],
            }
        ],
        'environments': [{'name': 'default', 'features': ['eessi'], 'target_systems': ['host']}],
        'general': [{'resolve_module_conflicts': False, 'target_systems': ['host']}],
    }


site_configuration = _configuration()
