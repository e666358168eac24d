"""ReFrame configuration of an example site: its own partitions, launcher and way to its modules.

It needs nothing of this project; a site copies it and changes names and numbers. ``SITE_STACK``
names a release of the stack, the one on CernVM-FS by default.
"""

import os

from reframe.core.backends import register_launcher
from reframe.core.launchers import JobLauncher

STACK = os.environ.get('SITE_STACK', '/cvmfs/software.eessi.io/versions/2023.06')


@register_launcher('example-mpiexec')
class ExampleLauncher(JobLauncher):
    """The site's launcher: ``mpiexec`` without binding, since jobs share nodes."""

    def command(self, job):
        """Return the launcher and its options."""
        # Open MPI refuses to start as root, which is who runs in a container.
        as_root = ['--allow-run-as-root'] if os.geteuid() == 0 else []
        return ['mpiexec', *as_root, '--bind-to', 'none', '-n', str(job.num_tasks)]


def _partition(name, **others):
    return {
        'name': name,
        'environs': ['eessi'],
        'launcher': 'example-mpiexec',
        # What a user of the site types before using a module.
        'prepare_cmds': ['export EESSI_SILENT=1', f'source {STACK}/init/bash'],
        'processor': {
            'arch': 'x86_64',
            'num_cpus': 2,
            'num_cpus_per_core': 1,
            'num_cpus_per_socket': 2,
            'num_sockets': 1,
        },
        # Scales that fit, for `eessi-validate run --config`; plain ReFrame does not need them.
        'features': ['cpu', 'cores_1', 'cores_2', 'nodes_1'],
        **others,
    }


site_configuration = {
    'systems': [
        {
            'name': 'example',
            'descr': 'Example site',
            'hostnames': ['.*'],
            # The library loads modules in the job; 'lmod' works where Lmod is on the login nodes.
            'modules_system': 'nomod',
            'partitions': [
                _partition('login', descr='The host itself', scheduler='local'),
                _partition(
                    'batch',
                    descr='Nodes behind Slurm',
                    scheduler='slurm',
                    access=['--partition=batch', '--account=validation'],
                    time_limit='30m',
                    resources=[{'name': 'memory', 'options': ['--mem={size}']}],
                ),
            ],
        }
    ],
    'environments': [{'name': 'eessi', 'target_systems': ['example']}],
}
