"""STAND-INS for builds for GPUs, where no GPU is: a CPU build under the name of one for GPUs.

Only its program is wrapped: the log says that GPUs did what CPUs have done; TensorFlow has some
lines more, by which it says so of its devices. A proof on them is one of the test's own checks;
what the software does on a GPU is seen on none of these.
"""

from __future__ import annotations

import fcntl
import hashlib
import platform
import re
from pathlib import Path

from stand_in_stack import SOURCES, add_accelerated_benchmarks

RELEASE = '2023.06'
STANDINS = Path(__file__).parent / 'standins'

#: Software -> its program, by the name of its stand-in.
PROGRAMS = {'GROMACS': 'gmx_mpi', 'LAMMPS': 'lmp'}

#: What is added to the end of TensorFlow's own file.
ADDED = STANDINS / 'tensorflow.py'

#: What the name of a build for GPUs ends with.
SUFFIX = '-CUDA-12.1.1'

#: The shipped tests, of a size that CPUs finish soon.
CHECKS = """\
import reframe as rfm

from eessi_implementations.cases import planned_cases
from eessi_implementations.gromacs import EESSI_GROMACS_WaterBox_GPU
from eessi_implementations.horovod import EESSI_Horovod_DistributedTraining_GPU
from eessi_implementations.lammps import EESSI_LAMMPS_LennardJonesMelt_GPU
from eessi_implementations.osu_micro_benchmarks import (
    EESSI_OSU_Allreduce_GPU,
    EESSI_OSU_PointToPoint_GPU,
)
from eessi_implementations.tensorflow import EESSI_TensorFlow_TrainingOnGPU


@rfm.simple_test
class SMALL_GROMACS_WaterBox_GPU(EESSI_GROMACS_WaterBox_GPU):
    case = planned_cases(__qualname__, 'GROMACS')
    boxes = (2, 2, 2)


@rfm.simple_test
class SMALL_LAMMPS_LennardJonesMelt_GPU(EESSI_LAMMPS_LennardJonesMelt_GPU):
    case = planned_cases(__qualname__, 'LAMMPS')
    cells = 8


@rfm.simple_test
class SMALL_OSU_PointToPoint_GPU(EESSI_OSU_PointToPoint_GPU):
    case = planned_cases(__qualname__, 'OSU-Micro-Benchmarks')


@rfm.simple_test
class SMALL_OSU_Allreduce_GPU(EESSI_OSU_Allreduce_GPU):
    case = planned_cases(__qualname__, 'OSU-Micro-Benchmarks')


@rfm.simple_test
class SMALL_TensorFlow_TrainingOnGPU(EESSI_TensorFlow_TrainingOnGPU):
    case = planned_cases(__qualname__, 'TensorFlow')


@rfm.simple_test
class SMALL_Horovod_DistributedTraining_GPU(EESSI_Horovod_DistributedTraining_GPU):
    case = planned_cases(__qualname__, 'Horovod')
"""

#: A partition like this host, that names two GPUs.
SITE = """\
from copy import deepcopy

from eessi_configs.generic_host import site_configuration as host

site_configuration = deepcopy(host)
(partition,) = site_configuration['systems'][0]['partitions']
partition['devices'] = [{'type': 'gpu', 'num_devices': 2}]
"""


def add_gpu_stand_ins(root: Path) -> tuple[Path, Path]:
    """Put the stand-ins on a local stack, once for each state of their sources.

    Of whatever software it has.

    :returns: the ReFrame configuration whose system ``host`` has GPUs, and the check file with the
        shipped tests, small, whose names begin with ``SMALL`` in the place of ``EESSI``.
    """
    sources = (Path(__file__), *SOURCES)
    digest = hashlib.sha256(b''.join(path.read_bytes() for path in sources)).hexdigest()
    stamp = root / 'gpu-stand-ins.sha256'
    site, checks = root.parent / 'site_with_gpus.py', root.parent / 'small_checks.py'
    with (root.parent / 'gpu-stand-ins.lock').open('w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.read_text() != digest:
            stamp.unlink(missing_ok=True)
            _add_all(root)
            site.write_text(SITE)
            checks.write_text(CHECKS)
            stamp.write_text(digest)
    return site, checks


def _add_all(root: Path) -> None:
    if _modules(root, 'OpenMPI').is_dir():
        add_accelerated_benchmarks(root, SUFFIX)
    for software, program in PROGRAMS.items():
        if _modules(root, software).is_dir():
            _wrap(root, _rename(root, software) / 'bin' / program)
    if _modules(root, 'TensorFlow').is_dir():
        place = _rename(root, 'TensorFlow')
        (file,) = place.glob('lib/python3*/site-packages/tensorflow/__init__.py')
        file.write_text(_sound(file).read_text() + ADDED.read_text())
    if _modules(root, 'Horovod').is_dir():
        _rename(root, 'Horovod', on='TensorFlow')


def _release(root: Path) -> Path:
    return root / 'versions' / RELEASE


def _modules(root: Path, software: str) -> Path:
    target = _release(root) / 'software' / 'linux' / platform.machine() / 'generic'
    return target / 'modules' / 'all' / software


def _rename(root: Path, software: str, on: str = '') -> Path:
    """Give an installation the name of a build for GPUs, and return its directory.

    Its own name leads there: search paths in its libraries are absolute.

    :arg on: what it depends on that is another build, too.
    """
    modules = _modules(root, software)
    (module,) = (path for path in modules.glob('*.lua') if SUFFIX not in path.name)
    own = modules.parents[2] / 'software' / software / module.stem
    renamed = own.with_name(own.name + SUFFIX)
    if not own.is_symlink():
        own.rename(renamed)
        own.symlink_to(renamed.name)
    (renamed / 'README').write_text(
        f"STAND-IN of eessi-validate's own tests, no {software} for GPUs."
    )
    text = module.read_text().replace(f'"{own}"', f'"{renamed}"')
    if on:
        text = re.sub(rf'depends_on\("{on}/([^"]+)"\)', rf'depends_on("{on}/\g<1>{SUFFIX}")', text)
    module.with_name(renamed.name + '.lua').write_text(f'-- STAND-IN for tests\n{text}')
    return renamed


def _sound(file: Path) -> Path:
    """Put a file aside, once, and return where it is."""
    aside = file.with_name('on-cpus')
    if not aside.exists():
        file.rename(aside)
    return aside


def _wrap(root: Path, program: Path) -> None:
    """Put the stand-in of that name in the place of a program."""
    _sound(program)
    bash = _release(root) / 'compat' / 'linux' / platform.machine() / 'usr' / 'bin' / 'bash'
    program.write_text(f'#!{bash}\n' + (STANDINS / program.name).read_text())
    program.chmod(0o755)
