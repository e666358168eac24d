"""Compile what PyPI has only as source, with the host's compiler, against the stack itself.

The libraries that it is linked to are those of published installations of the same stack; headers
come from the development packages of the release and nothing of them stays. Source, compiler and
settings are recorded beside the wheel, which is kept in the cache.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from eessi_validate.localstack import host, inventory, publish, unpack, wheels
from eessi_validate.localstack.apt import Apt, check_archive
from eessi_validate.localstack.catalogue import Compiled
from eessi_validate.localstack.errors import HostToolMissing, LocalStackError
from eessi_validate.localstack.job import Job

#: Program -> Debian package.
_PROGRAMS = {'g++': 'g++', 'cmake': 'cmake', 'make': 'make'}
#: Answers what CMake's FindMPI asks a compiler wrapper, which a run-time installation lacks.
_WRAPPER = """\
#!/bin/bash
case $1 in
    *showme:compile) echo "{include}" ;;
    *showme:link) echo "-L{lib} -lmpi" ;;
    *showme:incdirs) echo "{directories}" ;;
    *showme:libdirs) echo "{lib}" ;;
    *showme:libs) echo mpi ;;
    -show* | -compile_info | -link_info) echo "g++ {include} -L{lib} -lmpi" ;;
    *) exec g++ "$@" {include} -L{lib} -lmpi ;;
esac
"""
_SCRIPT = """\
set -e
source {init}
module load {modules}
export PATH={bin}:$PATH
cd {source}
exec python3 setup.py --quiet bdist_wheel --dist-dir {into}
"""
_LONGEST = 300


def check_host(job: Job, name: str) -> None:
    """Raise LocalStackError unless this host can compile for the release; say what is missing."""
    if host.machine() != job.arch.name:
        raise LocalStackError(
            f'{name} is compiled, and this {host.machine()} host cannot do so for {job.arch.name}'
        )
    missing = sorted({pkg for program, pkg in _PROGRAMS.items() if shutil.which(program) is None})
    if missing:
        raise HostToolMissing(f'{name} is compiled: install {" ".join(missing)}')
    own, stack = _glibc(os.confstr('CS_GNU_LIBC_VERSION') or ''), job.release.words['glibc']
    if own > _glibc(stack):
        raise LocalStackError(
            f'{name} is compiled, and what this host compiles needs its glibc '
            f'{".".join(map(str, own))}; that of the release is {stack}'
        )


def _glibc(text: str) -> tuple[int, ...]:
    found = re.search(r'(\d+)\.(\d+)', text)
    return tuple(map(int, found.groups())) if found else (0,)


def compile_wheel(
    job: Job,
    apt: Apt,
    compiled: Compiled,
    sdist: Path,
    present: Mapping[str, inventory.Installed],
    into: Path,
) -> Path:
    """Compile one sdist; returns the wheel, with ``.json`` beside it that says how it was made.

    Raises LocalStackError with the compiler's first complaint; `present` are published.
    """
    with tempfile.TemporaryDirectory(prefix='compile-', dir=into) as scratch:
        top = Path(scratch)
        shutil.unpack_archive(sdist, top / 'source')
        (source,) = (top / 'source').iterdir()
        patch(source, compiled.patch)
        debs = _headers(apt, compiled, top / 'headers')
        _wrap_compiler(job, compiled, present, top)
        names = ('EESSI_SILENT', 'HOME', 'LANG', 'MAKEFLAGS', 'PATH', 'PYTHONDONTWRITEBYTECODE')
        values = ('1', scratch, 'C.UTF-8', f'-j{job.workers}', '/usr/local/bin:/usr/bin:/bin', '1')
        # no path of this build, nor of the stack that it is linked to, within the objects
        flags = f'-O2 -g0 -ffile-prefix-map={scratch}=. -ffile-prefix-map={job.root}=.'
        settings = {
            **compiled.env,
            'CXXFLAGS': f'{flags} {compiled.env.get("CXXFLAGS", "")}'.strip(),
            # the stack's libraries may need a newer C library than the host's, which is theirs
            'LDFLAGS': '-Wl,-s -Wl,--allow-shlib-undefined',
            'MPI_CXX_COMPILER': f'{top}/bin/mpicxx',
        }
        script = _SCRIPT.format(
            init=inventory.prefix_of(job.root, job.release.name) / 'init' / 'bash',
            modules=' '.join(present[d].module for d in compiled.against),
            bin=top / 'bin',
            source=source,
            into=top / 'wheel',
        )
        done = subprocess.run(
            ['bash', '--norc', '-c', script],
            env={**dict(zip(names, values, strict=True)), **settings},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors='replace',
            check=False,
        )
        if done.returncode:
            raise LocalStackError(f'{sdist.name}: {complaint(done.stdout + done.stderr)}')
        (wheel,) = (top / 'wheel').glob('*.whl')
        record = {
            'source': {'file': sdist.name, 'sha256': wheels.sha256(sdist)},
            'patch': compiled.patch,
            'compiler': _first_line('g++', '--version'),
            'cmake': _first_line('cmake', '--version'),
            'settings': {
                k: v.replace(scratch, '$BUILD').replace(str(job.root), '$ROOT')
                for k, v in sorted(settings.items())
            },
            'against': [present[d].module for d in compiled.against],
            'headers': debs,
        }
        kept = into / wheel.name
        beside(kept).write_text(json.dumps(record, indent=1) + '\n', encoding='utf-8')
        os.replace(wheel, kept)
        return kept


def patch(source: Path, changes: Mapping[str, Mapping[str, str]]) -> None:
    """Replace texts in files of the source; LocalStackError if one is not there."""
    for name, replacements in changes.items():
        text = (source / name).read_text(encoding='utf-8')
        for old, new in replacements.items():
            if old not in text:
                raise LocalStackError(f'{source.name}/{name} has no {old!r} to be replaced')
            text = text.replace(old, new)
        (source / name).write_text(text, encoding='utf-8')


def beside(wheel: Path) -> Path:
    """Where it is written how a wheel was compiled, if it was."""
    return wheel.with_suffix('.json')


def _headers(apt: Apt, compiled: Compiled, into: Path) -> list[dict[str, Any]]:
    into.mkdir()
    with publish.lock(apt.directory / 'lock', lambda: None):
        every = apt.resolve(compiled.headers)
        chosen = [every[name] for name in compiled.headers]
        apt.download(chosen)
    for package in chosen:
        check_archive(apt.archives / package.file, package)
        unpack.unpack(apt.archives / package.file, into, (), strip_usr=True)
    return [{'name': p.name, 'version': p.version, 'sha256': p.sha256} for p in chosen]


def _wrap_compiler(
    job: Job, compiled: Compiled, present: Mapping[str, inventory.Installed], top: Path
) -> None:
    """A compiler wrapper for MPI, and links that the linker finds in place of the packages'."""
    for directory in ('bin', 'lib'):
        (top / directory).mkdir()
    for link, target in compiled.link.items():
        name, _, file = target.partition('/')
        (top / 'lib' / link).symlink_to(present[name].path / file)
    directories = [str(top / 'headers' / d) for d in compiled.include]
    words = {
        'include': ' '.join(f'-I{d}' for d in directories),
        'directories': ' '.join(directories),
        'lib': str(top / 'lib'),
    }
    wrapper = top / 'bin' / 'mpicxx'
    wrapper.write_text(_WRAPPER.format(**words), encoding='utf-8')
    wrapper.chmod(0o755)


def complaint(output: str) -> str:
    """One line from what a build complained about."""
    errors = re.findall(
        r'^.*(?:\berror: .+|CMake Error.*(?:\n  .+)*|Error: .+)$', output, re.MULTILINE
    )
    lines = errors or output.strip().splitlines()[-1:] or ['no message']
    return re.sub(r'\s+', ' ', lines[0])[:_LONGEST]


def _first_line(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.partition('\n')[0]
