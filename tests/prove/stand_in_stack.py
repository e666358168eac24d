"""STAND-INS for what no package archive of the local stack has, put on a local stack as modules.

They are small programs of our own, built and written here, labelled as stand-ins in their
modules and sources: FlexiBLAS over the stack's OpenBLAS, the OSU Micro-Benchmarks over the stack's
Open MPI, a GCC of the compat layer that is the host's, and a Portage that answers from a database
of this compat layer. A proof on them is one of the tests, not of that software.
"""

from __future__ import annotations

import fcntl
import hashlib
import platform
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from eessi_library.compat_layer.layout import LOADERS

HERE = Path(__file__).parent
FLEXIBLAS = HERE.parent / 'library' / 'linear_algebra' / 'flexiblas_standin.c'
BENCHMARKS = HERE.parent / 'library' / 'mpi' / 'standins' / 'osu_standin.c'
SOURCES = (Path(__file__), FLEXIBLAS, BENCHMARKS, *sorted((HERE / 'standins').iterdir()))

RELEASE = '2023.06'

MODULE = """\
help([==[STAND-IN of eessi-validate's own tests, not {name}.]==])
whatis([==[Description: STAND-IN for tests, not {name}]==])
local root = "{root}"
conflict("{name}")
depends_on("{dependency}")
setenv("EBROOT{variable}", root)
setenv("EBVERSION{variable}", "{version}")
"""

#: Packages of the database that stands in for Portage's, and the files of the layer that each has.
PACKAGES = {
    'sys-apps/portage-3.0.68': ('usr/bin/emerge',),
    'app-portage/gentoolkit-0.6.9': ('usr/bin/equery',),
    'app-shells/bash-5.2_p15': ('usr/bin/bash',),
    'dev-lang/python-3.11.2': ('usr/bin/python3.11',),
}

REPOSITORY = """\
[gentoo]
location = {compat}/var/db/repos/gentoo
sync-type = git
sync-uri = https://github.com/gentoo/gentoo.git
"""


@dataclass(frozen=True)
class _Layers:
    root: Path

    @property
    def compat(self) -> Path:
        return self.root / 'versions' / RELEASE / 'compat' / 'linux' / platform.machine()

    @property
    def target(self) -> Path:
        return self.root / f'versions/{RELEASE}/software/linux' / platform.machine() / 'generic'

    def module(self, software: str) -> str:
        """Full name of the module of some software, which has one."""
        (path,) = (self.target / 'modules' / 'all' / software).glob('*.lua')
        return f'{software}/{path.stem}'

    def library(self, software: str, name: str) -> Path:
        """The library of an installation with the shortest path."""
        found = (self.target / 'software' / software).rglob(name)
        return min(found, key=lambda path: len(str(path)))

    @property
    def loader(self) -> Path:
        return self.compat / LOADERS[platform.machine()]

    @property
    def c_library(self) -> Path:
        return next(self.compat.glob('usr/lib/*/libc.so.6')).parent


def add_stand_ins(root: Path) -> None:
    """Put the stand-ins on a local stack of ours, once for each state of their sources."""
    digest = hashlib.sha256(b''.join(path.read_bytes() for path in SOURCES)).hexdigest()
    stamp = root / 'stand-ins.sha256'
    with (root.parent / 'stand-ins.lock').open('w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if stamp.exists() and stamp.read_text() == digest:
            return
        stamp.unlink(missing_ok=True)
        layers = _Layers(root)
        _add_flexiblas(layers)
        _add_benchmarks(layers, 'gompi-2022b')
        _add_compiler(layers)
        _add_portage(layers)
        stamp.write_text(digest)


def _install(layers: _Layers, name: str, version: str, suffix: str, on: str, more: str) -> Path:
    """Write the module of an installation and return its empty directory."""
    root = layers.target / 'software' / name / f'{version}-{suffix}'
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    (root / 'README').write_text(f"STAND-IN of eessi-validate's own tests, not {name}.\n")
    module = layers.target / 'modules' / 'all' / name / f'{version}-{suffix}.lua'
    module.parent.mkdir(parents=True, exist_ok=True)
    text = MODULE.format(
        name=name, version=version, root=root, dependency=layers.module(on),
        variable=name.upper().replace('-', ''),
    )  # fmt: skip
    module.write_text(text + more)
    return root


def _compile(source: Path, program: Path, *options: str) -> None:
    """Compile a program; the last option is a library, which comes behind the source."""
    program.parent.mkdir(parents=True, exist_ok=True)
    command = ['gcc', '-O1', '-fPIC', '-o', str(program), *options[:-1], str(source), options[-1]]
    subprocess.run(command, check=True, capture_output=True, text=True)


def _add_flexiblas(layers: _Layers) -> None:
    root = _install(layers, 'FlexiBLAS', '3.2.1', 'GCC-12.2.0', 'OpenBLAS', '')
    texts = {
        'BACKEND': layers.library('OpenBLAS', 'libopenblas.so.0'),
        'NAME': 'OPENBLAS',
        'REFERENCE_BLAS': layers.library('OpenBLAS', 'blas/libblas.so.3'),
        'REFERENCE_LAPACK': layers.library('OpenBLAS', 'lapack/liblapack.so.3'),
    }
    defined = [f'-D{name}="{text}"' for name, text in texts.items()]
    defined += ['-DMAJOR=3', '-DMINOR=2', '-DPATCH=1', '-DTHREADS=0', '-DERROR=0.0']
    _compile(FLEXIBLAS, root / 'lib' / 'libflexiblas.so.3', '-shared', *defined, '-ldl')


def add_accelerated_benchmarks(root: Path, suffix: str) -> None:
    """Put a build of the benchmarks on a local stack that says messages lie on GPUs."""
    _add_benchmarks(_Layers(root), f'gompi-2022b{suffix}', '-DACCELERATED=1')


def _add_benchmarks(layers: _Layers, suffix: str, *options: str) -> None:
    below = 'libexec/osu-micro-benchmarks/mpi'
    paths = [
        f'prepend_path("PATH", pathJoin(root, "{below}/{d}"))\n' for d in ('pt2pt', 'collective')
    ]
    root = _install(layers, 'OSU-Micro-Benchmarks', '7.5', suffix, 'OpenMPI', ''.join(paths))
    mpi = layers.library('OpenMPI', 'libmpi.so.40')
    search = f'{mpi.parent}:{layers.c_library}'
    link = [
        f'-Wl,--dynamic-linker={layers.loader},--disable-new-dtags,-rpath,{search}',
        '-Wl,--allow-shlib-undefined', str(mpi),
    ]  # fmt: skip
    for name, kind in (('latency', 'pt2pt'), ('bw', 'pt2pt'), ('allreduce', 'collective')):
        chosen = {'latency': 'LATENCY', 'bw': 'BANDWIDTH', 'allreduce': 'ALLREDUCE'}[name]
        _compile(
            BENCHMARKS, root / below / kind / f'osu_{name}', f'-DPROGRAM={chosen}',
            '-DVERSION="7.5"', *options, *link,
        )  # fmt: skip


def _add_compiler(layers: _Layers) -> None:
    compiler = shutil.which('gcc')
    options = f'-Wl,--dynamic-linker={layers.loader.resolve()},-rpath,{layers.c_library}'
    _write_program(
        layers, 'gcc', f'# STAND-IN: the GCC of the host.\nexec {compiler} "$@" {options}\n'
    )


def _add_portage(layers: _Layers) -> None:
    for name in ('emerge', 'equery'):
        _write_program(layers, name, (HERE / 'standins' / name).read_text())
    portage, database = layers.compat / 'etc' / 'portage', layers.compat / 'var' / 'db' / 'pkg'
    shutil.rmtree(database, ignore_errors=True)
    for package, files in PACKAGES.items():
        (database / package).mkdir(parents=True)
        lines = []
        for file in files:
            digest = hashlib.md5((layers.compat / file).read_bytes()).hexdigest()
            lines.append(f'obj {layers.compat / file} {digest} 1700000000\n')
        (database / package / 'CONTENTS').write_text(''.join(lines))
    for directory in ('sets', 'repos.conf'):
        (portage / directory).mkdir(parents=True, exist_ok=True)
    atoms = ['# STAND-IN', *(f'={package}' for package in PACKAGES)]
    name = f'eessi-{RELEASE}-linux-{platform.machine()}'
    (portage / 'sets' / name).write_text('\n'.join(atoms) + '\n')
    repository = REPOSITORY.format(compat=layers.compat)
    (portage / 'repos.conf' / 'gentoo.conf').write_text(repository)


def _write_program(layers: _Layers, name: str, text: str) -> None:
    program = layers.compat / 'usr' / 'bin' / name
    program.write_text(f'#!{layers.compat}/usr/bin/bash\n{text}')
    program.chmod(0o755)
