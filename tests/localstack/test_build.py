"""Real builds: what they leave, what they survive, and what they say when they cannot go on."""

import http.server
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path

import pytest

from eessi_library.elf import read_elf
from eessi_library.installation import Release as Layers
from eessi_library.installation.mpi_injection import injection_directory
from eessi_validate.errors import UsageError
from eessi_validate.localstack import (
    BuildRequest,
    build_stack,
    host,
    installed_releases,
    provenance,
    publish,
    remove_release,
    verify_stack,
)
from eessi_validate.localstack.errors import (
    ChecksumError,
    DiskFull,
    LocalStackError,
    MirrorError,
    SuiteMissing,
)
from eessi_validate.localstack.progress import Plain

pytestmark = [pytest.mark.stack, pytest.mark.slow]
ARCH = host.machine()
BUILD = """
import sys
from pathlib import Path
from eessi_validate.localstack import BuildRequest, build_stack
root, cache = map(Path, sys.argv[1:3])
report = build_stack(BuildRequest('2023.06', software=('GCCcore',), root=root, cache=cache))
print(len(report.added))
"""


def small(root: Path, cache: Path, *software: str, **more) -> BuildRequest:
    return BuildRequest(
        '2023.06', software=software or ('GCCcore',), root=root, cache=cache, **more
    )


def start_build(root: Path, cache: Path) -> subprocess.Popen:
    command = [sys.executable, '-c', BUILD, str(root), str(cache)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def in_shell(root: Path, command: str) -> str:
    done = subprocess.run(
        ['bash', '--norc', '-c', f'set -e; source {root}/versions/2023.06/init/bash; {command}'],
        env={'PATH': '/usr/bin:/bin', 'HOME': '/nonexistent', 'EESSI_SILENT': '1'},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def visible(root: Path) -> list[str]:
    return sorted(p.name for p in root.iterdir() if p.name != publish.WORK) if root.exists() else []


def test_gromacs_runs_from_its_module(local_stack):
    said = in_shell(local_stack, 'module load GROMACS; gmx --version')
    assert 'GROMACS version:' in said
    assert f'Data prefix:  {local_stack}' in said


def test_every_module_sets_what_easybuild_sets(local_stack):
    said = in_shell(local_stack, 'module load GROMACS; env')
    for name in ('GCCCORE', 'HWLOC', 'OPENBLAS', 'FFTW', 'OPENMPI', 'FOSS', 'GROMACS'):
        assert f'EBROOT{name}={local_stack}/' in said


def test_objects_look_for_the_mpi_of_the_site_first(local_stack):
    release = Layers(f'{local_stack}/versions/2023.06', f'{ARCH}/generic')
    for name in ('OpenMPI/*/bin/mpirun', 'GROMACS/*/bin/gmx_mpi', 'OpenMPI/*/**/libmpi.so.40'):
        path = next(Path(release.software, 'software').glob(name))
        assert read_elf(path).rpath.split(':')[0] == injection_directory(release), name


def test_startprefix_says_what_gentoos_says_and_hands_the_exit_status_on(local_stack):
    compat = local_stack / 'versions/2023.06/compat/linux' / ARCH
    done = subprocess.run(
        [str(compat / 'startprefix')],
        input='locale -a; command -v curl openssl git archspec ld.so; exit 3\n',
        capture_output=True,
        text=True,
        check=False,
    )
    lines = done.stdout.splitlines()
    assert lines[0] == f'Entering Gentoo Prefix {compat}'
    assert lines[-1] == 'Leaving Gentoo Prefix with exit status 3'
    assert 'en_US.utf8' in lines
    assert f'{compat}/usr/bin/archspec' in lines
    assert done.returncode == 3


def test_every_package_of_the_provenance_has_digest_and_size(local_stack):
    documents = list(
        local_stack.glob('versions/*/software/linux/*/generic/software/*/*/easybuild/*')
    )
    documents.append(local_stack / f'versions/2023.06/compat/linux/{ARCH}/reprod/provenance.json')
    assert len(documents) == 8
    for document in (json.loads(p.read_text()) for p in documents):
        assert 'not built by EasyBuild' in document['what']
        for package in document['packages']:
            assert len(package['sha256']) == 64
            assert package['size'] > 0


def test_the_root_says_what_it_is_not(local_stack):
    assert 'it is not `software.eessi.io`' in (local_stack / 'README.md').read_text()


def test_no_mode_is_special_or_open(local_stack):
    for folder, names, files in os.walk(local_stack):
        for name in (*names, *files):
            mode = os.lstat(os.path.join(folder, name)).st_mode
            assert stat.S_ISLNK(mode) or not mode & 0o6002, name


def test_nothing_to_do_takes_no_time(local_stack, packages):
    start = time.monotonic()
    report = build_stack(
        BuildRequest('2023.06', root=local_stack, cache=packages, mirror='http://x.invalid')
    )
    assert report.added == ()
    assert len(report.modules) == 7
    assert time.monotonic() - start < 2


def test_a_build_that_was_killed_leaves_nothing_and_is_resumed(tmp_path, packages):
    root = tmp_path / 'local.eessi.io'
    process = start_build(root, packages)
    deadline = time.monotonic() + 60
    while not list(root.glob('.build/stage-*/versions/*/compat/linux/*/usr/bin/bash')):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert visible(root) == []
    report = build_stack(small(root, packages))
    assert report.downloaded == 0
    assert verify_stack(root, '2023.06')[0].findings == ()
    assert not list(root.glob('.build/stage-*'))


def test_two_builds_at_once_make_one_stack(tmp_path, packages):
    root = tmp_path / 'local.eessi.io'
    both = [start_build(root, packages) for _ in range(2)]
    said = sorted(process.communicate(timeout=200)[0].strip() for process in both)
    assert [p.returncode for p in both] == [0, 0]
    assert said == ['0', '2']
    assert verify_stack(root, '2023.06')[0].findings == ()


def test_software_is_added_to_a_release_in_place(tmp_path, packages):
    root = tmp_path / 'local.eessi.io'
    build_stack(small(root, packages))
    compat = root / 'versions/2023.06/compat/linux' / ARCH
    before = compat.stat().st_ino
    report = build_stack(small(root, packages, 'FFTW'))
    assert report.added == ('FFTW/3.3.10-GCC-12.2.0',)
    assert compat.stat().st_ino == before
    assert verify_stack(root, '2023.06')[0].findings == ()
    remove_release(root, '2023.06')
    assert installed_releases(root) == []
    assert visible(root) == ['README.md', 'versions']


def test_what_an_older_builder_left_is_named(tmp_path, packages, capsys):
    root = tmp_path / 'local.eessi.io'
    build_stack(small(root, packages))
    (record,) = root.rglob(provenance.INSTALLATION)
    written = json.loads(record.read_text())
    record.write_text(json.dumps({**written, 'builder': provenance.BUILDER - 1}))
    build_stack(small(root, packages), Plain())
    said = capsys.readouterr().err
    assert 'GCCcore/12.2.0, were built by another eessi-validate' in said
    assert 'eessi-validate stack remove' in said


def test_a_mirror_that_is_down_is_one_line(tmp_path):
    root = tmp_path / 'local.eessi.io'
    with pytest.raises(MirrorError, match='cannot be read') as raised:
        build_stack(small(root, tmp_path / 'cache', mirror='http://127.0.0.1:9/debian'))
    assert '\n' not in str(raised.value)
    assert visible(root) == []


def test_a_mirror_without_the_suite_is_one_line(tmp_path):
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    (tmp_path / 'empty').mkdir()
    handler = partial(Quiet, directory=str(tmp_path / 'empty'))
    with http.server.ThreadingHTTPServer(('127.0.0.1', 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        mirror = f'http://127.0.0.1:{server.server_port}/debian'
        with pytest.raises(SuiteMissing, match='bookworm') as raised:
            build_stack(small(tmp_path / 'local.eessi.io', tmp_path / 'cache', mirror=mirror))
        server.shutdown()
    assert '\n' not in str(raised.value)


def test_a_tampered_package_stops_the_build_and_the_next_one_mends_it(tmp_path, packages):
    root, cache = tmp_path / 'local.eessi.io', tmp_path / 'cache'
    name = f'packages/2023.06-{ARCH}'
    shutil.copytree(packages / name, cache / name, copy_function=os.link)
    (archive,) = (cache / name).glob('cache/archives/sed_*.deb')
    content = archive.read_bytes()
    archive.unlink()
    archive.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(ChecksumError, match='sed_'):
        build_stack(small(root, cache))
    assert visible(root) == []
    assert build_stack(small(root, cache)).downloaded == len(content)


def test_a_full_disk_leaves_nothing_visible(tmp_path, packages, monkeypatch):
    root = tmp_path / 'local.eessi.io'

    def full(*args):
        raise OSError(28, 'No space left on device', str(root))

    monkeypatch.setattr('eessi_validate.localstack.dpkgdb.write_database', full)
    with pytest.raises(DiskFull, match='no space left'):
        build_stack(small(root, packages))
    assert visible(root) == []
    assert not list(root.glob('.build/stage-*'))


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason='mounts a small file system')
def test_a_really_full_file_system_is_one_line(tmp_path, packages):
    root = tmp_path / 'local.eessi.io'
    root.mkdir()
    mount = ['mount', '-t', 'tmpfs', '-o', 'size=60m', 'tmpfs', str(root)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip('this host does not let root mount a tmpfs')
    try:
        with pytest.raises(DiskFull, match='no space left') as raised:
            build_stack(small(root, packages))
        assert '\n' not in str(raised.value)
        assert visible(root) == []
    finally:
        subprocess.run(['umount', str(root)], check=True)


def test_a_root_that_cannot_be_written_names_the_option(tmp_path, packages, monkeypatch):
    def refuse(*args, **kwargs):
        raise PermissionError(13, 'Permission denied', '/some/root')

    monkeypatch.setattr(publish, 'lock', refuse)
    with pytest.raises(LocalStackError, match='choose another --root'):
        build_stack(small(tmp_path / 'local.eessi.io', packages))


def test_a_further_cpu_target_is_a_labelled_copy_of_generic(tmp_path, packages):
    target = {'x86_64': 'x86_64/intel/haswell', 'aarch64': 'aarch64/neoverse_n1'}.get(ARCH)
    if target is None:
        pytest.skip(f'the table has one target for {ARCH}')
    root = tmp_path / 'local.eessi.io'
    generic = build_stack(small(root, packages))
    report = build_stack(small(root, packages, targets=(target,)))
    assert report.added == (f'{generic.modules[0]} ({target})',)
    top = root / 'versions/2023.06/software/linux'
    (document,) = top.glob(f'{target}/software/GCCcore/*/easybuild/provenance.json')
    record = json.loads(document.read_text())
    assert (record['cpu_target'], record['identical_to']) == (target, f'{ARCH}/generic')
    (module,) = top.glob(f'{target}/modules/all/GCCcore/*.lua')
    assert f'{top}/{target}/software/GCCcore' in module.read_text()
    (found,) = verify_stack(root, '2023.06')
    assert (found.findings, found.modules_loaded) == ((), 2)
    assert build_stack(small(root, packages, targets=(target,))).added == ()
    extended = build_stack(small(root, packages, 'FFTW')).added
    assert [a.split('/')[0] for a in extended] == ['FFTW', 'FFTW']


def test_a_target_of_another_family_is_a_usage_error(tmp_path):
    other = 'ppc64le/power9le' if ARCH != 'ppc64le' else 'x86_64/amd/zen2'
    with pytest.raises(UsageError, match=r'give it with its --arch'):
        build_stack(small(tmp_path / 'local.eessi.io', tmp_path, targets=(other,)))
