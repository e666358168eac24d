"""The one mixin: a planned case becomes modules, tasks, threads, binding and limits."""

from __future__ import annotations

import os
import re
from typing import ClassVar

import reframe as rfm
from reframe.core.builtins import parameter, run_after, run_before, variable
from reframe.core.exceptions import ReframeError

from eessi_validate.stack.scales import Scale, find_scale

#: Compute units: what one task of the application gets.
CPU_CORE = 'cpu core'
CPU_SOCKET = 'cpu socket'
NODE = 'node'
GPU = 'gpu'

#: Builds for GPUs by suffix or toolchain: ``2023.3-foss-2022a-CUDA-11.7.0``, ``fosscuda-2020b``.
GPU_BUILD = r'-(?:CUDA|ROCm|HIP)\b|-\w*cuda-'

#: All others, for software whose builds for GPUs do not start without the driver's ``libcuda``.
CPU_BUILD = f'^(?!.*(?:{GPU_BUILD}))'

#: Environment variable that names the root of the stack under test.
ROOT_VARIABLE = 'EESSI_VALIDATE_STACK_ROOT'

_UNITS = {'K': 1, 'M': 1024, 'G': 1024**2}


class EESSIImplementation(rfm.RegressionTestPlugin):
    """Everything system-specific, from ReFrame's partition and processor data; abstract.

    An implementation names the software it :attr:`covers`, its ``case`` parameter
    (:func:`eessi_implementations.cases.planned_cases`) and its :attr:`compute_unit`.
    """

    #: Name of the software whose modules this implementation tests.
    covers: ClassVar[str] = ''

    #: Whether a new build of it is also tested through every installation that depends on it:
    #: true for libraries, whose own test cannot see what their users expect of them.
    selects_dependents: ClassVar[bool] = False

    #: Regular expression that the full name of a module must match for this variant, e.g.
    #: :data:`GPU_BUILD`; '' takes every build.
    builds: ClassVar[str] = ''

    #: What one task gets.
    compute_unit: ClassVar[str] = CPU_CORE

    #: Scales planned by default, when the user names none.
    default_scales: ClassVar[tuple[str, ...]] = ('cores_1', 'cores_2')

    #: Partition features that a case needs besides its scale, e.g. ``gpu``.
    needs: ClassVar[tuple[str, ...]] = ()

    #: Whether it must know of an MPI of the site that stands in for the stack's.
    asks_for_injected_mpi: ClassVar[bool] = False

    #: Variables of the library test that say what the module must be: name -> attribute of this
    #: class that knows, e.g. ``software_version``.
    expects: ClassVar[dict[str, str]] = {}

    #: The case; each implementation defines it with ``planned_cases``.
    case = parameter(loggable=False)

    #: Identity of the case, as the driver reconciles it.
    case_key = variable(str, value='', loggable=True)
    #: Name of the software under test.
    software = variable(str, value='', loggable=True)
    #: Its version without toolchain.
    software_version = variable(str, value='', loggable=True)
    #: EasyBuild toolchain and version suffix.
    toolchain = variable(str, value='', loggable=True)
    #: CPU target whose software layer is used.
    cpu_target = variable(str, value='', loggable=True)
    #: Scale of the case.
    scale = variable(str, value='cores_1', loggable=True)

    def memory_per_task(self) -> str:
        """Return the memory that one task needs, e.g. ``1G``; '' if it does not matter."""
        return ''

    @property
    def kind_of_gpu(self) -> str:
        """``cuda`` or ``rocm``, by the name of the module; '' where a task gets no GPU."""
        if self.compute_unit != GPU:
            return ''
        return 'rocm' if re.search(r'ROCm|HIP', self.toolchain) else 'cuda'

    @run_after('init')
    def adopt_case(self) -> None:
        """Take module, identity, systems and tags from the case."""
        case = self.case
        self.case_key, self.software = case.key, case.software
        self.software_version, self.toolchain = case.version, case.toolchain
        self.cpu_target, self.scale = case.cpu_target, case.scale
        self.modules = [case.module] if case.module else []
        features = ' '.join(f'+{name}' for name in (case.scale, *self.needs))
        self.valid_systems = [case.partition or features]
        if not re.search(self.builds, case.module):
            # Another variant's module: under plain ReFrame every test is offered all of them.
            self.valid_systems = []
        self.valid_prog_environs = [case.environ or '*']
        self.tags |= {case.scale, self.kind, case.software}
        self.program_root = os.environ.get(ROOT_VARIABLE, '')
        for name, value in (case.inputs | self._injection()).items():
            if not hasattr(type(self), name):
                raise ReframeError(f'{type(self).__name__} has no variable {name!r} to set')
            setattr(self, name, value)

    def _injection(self) -> dict[str, str]:
        """Return what the test asks for of a site's MPI: where it is, and more if it wants that."""
        if not self.asks_for_injected_mpi:
            return {}
        known = self.case.injection
        return {n: v for n, v in known.items() if n == 'injected_mpi' or hasattr(type(self), n)}

    @run_before('run')
    def expect_what_the_module_says(self) -> None:
        """Tell the library test what the module must be, before it writes its input."""
        for name, fact in self.expects.items():
            setattr(self, name, getattr(self, fact))

    @run_after('setup')
    def limit_time(self) -> None:
        """Give the job a time limit unless the test or the site's partition did."""
        if self.time_limit is None and not self.current_partition.time_limit:
            self.time_limit = '30m'

    @run_after('setup')
    def place_tasks(self) -> None:
        """Set nodes, tasks and CPUs for each task from the scale and the compute unit."""
        scale = find_scale(self.scale)
        cores = self._cores_used(scale)
        units = self._tasks_per_node(cores)
        per_node = self._within_limits(units, scale.nodes)
        self.num_tasks_per_node = per_node
        self.num_tasks = min(per_node * scale.nodes, self.most_tasks or per_node * scale.nodes)
        self.num_cpus_per_task = max(cores // max(units, per_node), 1)
        if (self.current_partition.processor.num_cpus_per_core or 1) > 1:
            # Slurm's CPUs are hardware threads there; without this two tasks would share a core.
            self.use_multithreading = False

    def _within_limits(self, units: int, nodes: int) -> int:
        """Return the tasks of a node that the test allows; few GPUs are shared, cores are not."""
        if self.most_tasks and units * nodes > self.most_tasks:
            return max(self.most_tasks // nodes, 1)
        if self.compute_unit == GPU and units * nodes < self.fewest_tasks:
            return -(-self.fewest_tasks // nodes)
        return units

    def _cores_used(self, scale: Scale) -> int:
        processor = self.current_partition.processor
        if not processor.num_cpus:
            raise ReframeError(
                f'partition {self.current_partition.fullname} has no processor data: '
                'set "processor" in the ReFrame configuration (reframe --detect-host-topology)'
            )
        cores_of_node = processor.num_cpus // (processor.num_cpus_per_core or 1)
        cores = scale.cores_per_node(cores_of_node)
        if not cores:
            raise ReframeError(f'scale {scale.name} does not fit a node of {cores_of_node} cores')
        return cores

    def _tasks_per_node(self, cores: int) -> int:
        processor = self.current_partition.processor
        if self.compute_unit == CPU_CORE:
            return cores
        if self.compute_unit == CPU_SOCKET:
            per_socket = processor.num_cpus_per_socket // (processor.num_cpus_per_core or 1)
            return max(-(-cores // per_socket), 1)
        if self.compute_unit == GPU:
            gpus = sum(d.num_devices for d in self.current_partition.devices if d.type == 'gpu')
            if not gpus:
                raise ReframeError(
                    f'partition {self.current_partition.fullname} names no GPU: set "devices" in '
                    'the ReFrame configuration'
                )
            # Part of a node gets the same part of its GPUs, at least one.
            cores_of_node = processor.num_cpus // (processor.num_cpus_per_core or 1)
            self.num_gpus_per_node = max(gpus * cores // cores_of_node, 1)
            return self.num_gpus_per_node
        return 1

    @run_after('setup')
    def ask_for_memory(self) -> None:
        """Ask for memory where the partition has a resource of that name."""
        amount = self.memory_per_task()
        resources = set(getattr(self.current_partition, 'resources', {}))
        if amount and 'memory' in resources:
            total = int(amount[:-1]) * _UNITS[amount[-1]] * self.num_tasks_per_node
            self.extra_resources = {'memory': {'size': f'{total // 1024}M'}}

    @run_after('setup')
    def bind_tasks(self) -> None:
        """Bind each task to its own cores when the case runs alone, to none when it does not."""
        alone = self.kind == 'performance'
        cores = self.num_cpus_per_task
        # OpenMPI 4 reads OMPI_MCA_*, OpenMPI 5 PRTE_MCA_*; other launchers read neither.
        self.env_vars['OMPI_MCA_hwloc_base_binding_policy'] = 'core' if alone else 'none'
        # OpenMPI 5 refuses PE=n as a default (it ends with 213), so that a task of several cores
        # would get only one of them: such tasks are left to the operating system there.
        narrow = alone and cores == 1
        self.env_vars['PRTE_MCA_hwloc_default_binding_policy'] = 'core' if narrow else 'none'
        # Serial tools of MPI builds start without a daemon of their own (OpenMPI 4, ess/singleton).
        self.env_vars['OMPI_MCA_ess_singleton_isolated'] = '1'
        if alone:
            self.env_vars['OMPI_MCA_rmaps_base_mapping_policy'] = f'slot:PE={cores}'


class OnGPUs:
    """A variant for builds for GPUs, planned where a partition has some; first of the bases.

    A task gets a GPU, a case those of a node. No base of ReFrame's, which inherits variables once.
    """

    compute_unit: ClassVar[str] = GPU
    needs: ClassVar[tuple[str, ...]] = ('gpu',)
    builds: ClassVar[str] = GPU_BUILD
    default_scales: ClassVar[tuple[str, ...]] = ('nodes_1',)
