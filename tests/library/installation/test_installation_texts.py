"""Modes, links and texts: what another user or another node cannot use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from eessi_library.installation import InstallationRequest, Release, check_installations
from eessi_library.installation.model import Finding


@pytest.fixture
def app(tmp_path: Path) -> InstallationRequest:
    release = Release(f'{tmp_path}/stack/versions/2023.06', 'x86_64/generic')
    path = f'{release.software}/software/App/1.0'
    os.makedirs(f'{path}/bin')
    os.makedirs(f'{release.compat}/bin')
    Path(f'{release.compat}/bin/bash').write_text('')
    return InstallationRequest(release, 'App/1.0', path, None, ('files', 'text'))


def put(app: InstallationRequest, name: str, text: str = '', mode: int = 0o644) -> Path:
    path = Path(app.path, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text.replace('@release@', app.release.path).replace('@own@', app.path))
    path.chmod(mode)
    return path


def findings(app: InstallationRequest) -> dict[str, Finding]:
    return {f.check: f for f in next(check_installations([app], None, 1)).findings}


@pytest.mark.parametrize(
    ('mode', 'check'),
    [
        (0o600, 'files/unreadable'),
        (0o744, 'files/not-executable'),
        (0o4755, 'files/setuid'),
        (0o2755, 'files/setuid'),
        (0o666, 'files/world-writable'),
    ],
)
def test_modes(app: InstallationRequest, mode: int, check: str) -> None:
    put(app, 'share/data', 'x', mode)
    assert findings(app)[check].member == 'share/data'


@pytest.mark.parametrize(('mode', 'check'), [(0o700, 'unreadable'), (0o777, 'world-writable')])
def test_modes_of_directories(app: InstallationRequest, mode: int, check: str) -> None:
    put(app, 'share/data')
    os.chmod(f'{app.path}/share', mode)
    assert findings(app)[f'files/{check}'].member == 'share'


@pytest.mark.parametrize(
    ('target', 'check'),
    [
        ('nothing', 'files/dangling-link'),
        ('/usr/bin/env', 'files/link-outside'),
        ('../../../../../../../../../../../../etc', 'files/link-outside'),
        ('{release}/software/linux/x86_64/amd/zen2/software', 'files/link-outside'),
    ],
)
def test_links(app: InstallationRequest, target: str, check: str) -> None:
    os.symlink(target.format(release=app.release.path), f'{app.path}/bin/link')
    assert list(findings(app)) == [check]


def test_a_link_into_host_injections_is_the_business_of_the_site(app: InstallationRequest) -> None:
    os.symlink(f'{app.release.host_injections}/2023.06/lib', f'{app.path}/injected')
    assert findings(app) == {}


def test_a_fifo(app: InstallationRequest) -> None:
    os.mkfifo(f'{app.path}/bin/pipe')
    assert 'files/special' in findings(app)


@pytest.mark.parametrize(
    ('name', 'text', 'check'),
    [
        ('lib/libx.la', "libdir='=@own@/lib'\n", 'text/sysroot-path'),
        ('lib/libx.la', "dependency_libs='-L/tmp/eb-1/lib -lz'\n", 'text/build-path'),
        ('lib/libx.la', "dependency_libs='/usr/lib/libz.la'\n", 'text/host-path'),
        ('lib/pkgconfig/x.pc', 'prefix=/usr\n', 'text/host-path'),
        ('lib/pkgconfig/x.pc', 'prefix=/home/me/x\n', 'text/build-path'),
        ('lib/cmake/x.cmake', 'set(D "/opt/intel/lib")\n', 'text/host-path'),
        ('bin/wrap', '#!/bin/sh\nexec /tmp/build1/x/bin/gcc "$@"\n', 'text/build-path'),
        ('bin/wrap', '#!/bin/sh\nexec /usr/bin/gcc "$@"\n', 'text/host-program'),
        ('bin/wrap', '#!/usr/bin/python3\n', 'text/shebang'),
        ('bin/wrap', '#!/tmp/build/python/bin/python3\n', 'text/shebang'),
        ('bin/wrap', '#!@release@/compat/linux/x86_64/bin/gone\n', 'text/shebang'),
        ('bin/wrap', '#!@release@/software/linux/x86_64/amd/zen2/bin/bash\n', 'text/shebang'),
        ('share/note.txt', 'in /dev/shm/me/easybuild/build/App/1.0 it was\n', 'text/build-path'),
        ('etc/x.conf', 'd=@release@/software/linux/x86_64/amd/zen2/lib\n', 'text/other-target'),
        ('etc/x.conf', 'd=@release@/../2025.06/software\n', 'text/other-target'),
        (
            'lib/python3.11/_sysconfigdata__linux.py',
            "{'CC': 'gcc -I/scratch/build/include'}\n",
            'text/build-path',
        ),
        ('lib/perl5/5.36/Config_heavy.pl', "cc='/tmp/b/gcc'\n", 'text/build-path'),
        ('lib/python3.11/site-packages/x.pth', '/home/me/src/x\n', 'text/build-path'),
        ('bin/wrap', '#!/bin/sh\n/usr/bin/gcc "$@"\n', 'text/host-program'),
        ('bin/wrap', '#!/bin/sh\nexec env A=1 "/usr/bin/gcc" "$@"\n', 'text/host-program'),
        ('bin/wrap', '#!/usr/bin/env bash\nexec /home/b/run.sh\n', 'text/build-path'),
        ('bin/wrap', '#!/bin/sh\nexec /project/x/bin/gcc "$@"\n', 'text/foreign-path'),
        ('bin/wrap', '#!/bin/sh\nexec gcc -L/usr/lib64 "$@"\n', 'text/foreign-path'),
        ('bin/wrap', '#!/bin/sh\nexec gcc -Wl,-rpath,=/usr/lib "$@"\n', 'text/foreign-path'),
        ('bin/wrap', '#!/bin/sh\nexec gcc --sysroot=/opt/root "$@"\n', 'text/foreign-path'),
        ('bin/wrap', '#!/bin/sh\nLD_LIBRARY_PATH=/opt/x/lib exec app\n', 'text/foreign-path'),
        ('lib/libx.la', "dependency_libs=' -L/project/b/lib -lx'\n", 'text/foreign-path'),
        ('lib/libx.la', "libdir='/cvmfs/pilot.org/versions/1/lib'\n", 'text/foreign-path'),
        ('lib/pkgconfig/x.pc', 'prefix=/project/x\n', 'text/foreign-path'),
        ('lib/pkgconfig/x.pc', 'Libs: -L/gpfs/b/lib -lx\n', 'text/foreign-path'),
    ],
)
def test_texts_that_name_what_users_do_not_have(
    app: InstallationRequest, name: str, text: str, check: str
) -> None:
    text = text.replace('@release@/../', os.path.dirname(app.release.path) + '/')
    put(app, name, text, 0o755 if name.startswith('bin') else 0o644)
    assert findings(app)[check].member == name


#: What EasyBuild's template makes (scripts/rpath_wrapper_template.sh.in of EasyBuild 5): filter and
#: directory of the wrapper are those of the build, also in the copy that buildenv installs.
RPATH_WRAPPER = """\
#!/bin/bash
PYTHON_EXE=python3
log "$PYTHON_EXE -E -O $CMD '/usr.*,/tmp/eb-q1w2e3r4/x.*,/tmp/easybuild/build/b/d/f.*' '' $(echo)'"
out=$($PYTHON_EXE -E -O $CMD '/usr.*,/tmp/easybuild/build/b/d/f/lib.*' '/x' "$@")
export PATH=$(echo $PATH | tr ':' '\\n' | grep -v "^/tmp/easybuild/build/b/lib/gcc_wrapper$")
@own@/bin/{program} "${{CMD_ARGS[@]}}"
"""


def test_a_wrapper_of_easybuild(app: InstallationRequest) -> None:
    name = 'bin/rpath_wrappers/gcc_wrapper/gcc'
    put(app, name, RPATH_WRAPPER.format(program='gcc'), 0o755)
    assert findings(app) == {}
    text = RPATH_WRAPPER.format(program='gcc').replace('@own@', '/tmp/easybuild/build/b')
    put(app, name, text, 0o755)
    assert list(findings(app)) == ['text/build-path']


@pytest.mark.parametrize(
    ('name', 'text'),
    [
        ('bin/run', '#!/bin/sh\nexec "$EBROOTAPP/bin/app" >/tmp/app.$$.log\n'),
        ('bin/run', '#!/usr/bin/env python3\n'),
        ('bin/run', '#!@release@/compat/linux/x86_64/bin/bash\n# see /usr/bin/gcc\n'),
        ('lib/pkgconfig/x.pc', 'prefix=@own@\nlibdir=${prefix}/lib\n'),
        ('lib/x.la', "# /tmp/build/x was here\nlibdir='@own@/lib'\n"),
        ('etc/Makeconf', 'CFLAGS = -O2 -ffile-prefix-map=/build/r-4.2=. -g\n'),
        ('share/doc/readme.txt', 'unpack it in /home/me and run /usr/bin/make\n'),
        ('lib/python3.11/site-packages/x.py', "tmp = '/tmp/foo.png'\n"),
        ('etc/x.conf', 'home = @own@/etc\ncompat = @release@/compat/linux/x86_64\n'),
        ('bin/run', '#!/bin/sh\ncase $CC in\n/usr/bin/gcc) echo; exit;; esac\n'),
        ('bin/run', '#!/bin/sh\nexec gcc -L@own@/lib -L/../lib "$@" >/tmp/log\n'),
        ('bin/run', '#!/bin/sh\nexec @own@/bin/app; /bin/rm -f x; /sbin/ldconfig\n'),
        ('lib/x.la', "dependency_libs=' -L@own@/lib @release@/compat/linux/x86_64/lib/z.la'\n"),
        ('lib/pkgconfig/x.pc', 'prefix=${pcfiledir}/../..\nsysconfdir=/etc\n'),
        ('share/cmake-3.27/Modules/FindX.cmake', 'find_path(X PATHS /usr/local/lib /opt/x)\n'),
        ('share/automake-1.16/config.guess', '#! /bin/sh\n(/usr/bin/uname -X) || exit\n'),
        ('lib/python3.11/_sysconfigdata_x.py', "{'abs_builddir': '/tmp/b/Python-3.11',\n}"),
        ('lib/python3.11/_sysconfigdata_x.py', "{'TZPATH': '/usr/share/z:/usr/lib/z',\n}"),
        ('lib/python3.11/config-3.11/Makefile', "abs_srcdir=\t/tmp/b\n\t'/usr/lib/gcc/*'\n"),
        ('lib/perl5/5.36/Config_heavy.pl', "glibpth='/usr/shlib  /lib /usr/lib'\n"),
        ('lib/pkgconfig/y.pc', 'Url: https://example.org/usr/lib/x\n'),
    ],
)
def test_texts_that_are_sound(app: InstallationRequest, name: str, text: str) -> None:
    put(app, name, text, 0o755 if name.startswith('bin') else 0o644)
    assert findings(app) == {}


@pytest.mark.parametrize(
    ('name', 'interpreter', 'severity'),
    [
        ('lib/python3.11/cgi.py', '/usr/local/bin/python', 'warning'),
        ('lib/app/bin/start', '/usr/bin/python3', 'error'),
        ('lib/python3.11/cgi.py', '/tmp/build/bin/python', 'error'),
    ],
)
def test_an_interpreter_of_the_host_is_an_error_where_programs_are(
    app: InstallationRequest, name: str, interpreter: str, severity: str
) -> None:
    """CPython installs Lib/cgi.py with x and with "#! /usr/local/bin/python"."""
    put(app, name, f'#! {interpreter}\n', 0o755)
    assert findings(app)['text/shebang'].severity == severity


def test_many_members_with_one_fault_are_one_finding(app: InstallationRequest) -> None:
    for number in range(40):
        put(app, f'share/{number:02}', 'x', 0o600)
    found = findings(app)['files/unreadable']
    assert (found.count, len(found.members)) == (40, 5)
    assert found.members[0] == 'share/00'


def test_an_installation_that_is_not_there_is_an_error(app: InstallationRequest) -> None:
    os.rename(app.path, app.path + '.gone')
    assert 'files/unreadable' in findings(app)


def test_order_of_the_directory_does_not_matter(app: InstallationRequest) -> None:
    for name in 'cab':
        put(app, f'share/{name}', name, 0o600)
    first = next(check_installations([app], None, 2))
    second = next(check_installations([app], None, 1))
    assert (first.findings, first.digest) == (second.findings, second.digest)
