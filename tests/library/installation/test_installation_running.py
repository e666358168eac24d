"""Modules, programs and extensions that are loaded, started and imported with the real Lmod."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from small_stack import gcc

from eessi_library.installation import (
    Finding,
    InstallationRequest,
    Release,
    check_installations,
    module_file,
)

MODULE = """\
local root = "{path}"
conflict("{name}")
prepend_path("PATH", pathJoin(root, "bin"))
setenv("EBROOT{upper}", root)
"""


class Workplace:
    """A release of its own whose Lmod is that of the local stack."""

    def __init__(self, top: Path, real: Release) -> None:
        self.release = Release(f'{top}/own.eessi.io/versions/2023.06', 'x86_64/generic')
        self.real = real
        init = Path(self.release.init)
        init.parent.mkdir(parents=True)
        init.write_text(
            f'unset MODULEPATH\nexport LMOD_ALLOW_ROOT_USE=yes\n'
            f'. "{real.compat}/usr/share/Lmod/init/bash"\n'
            f'export MODULEPATH="{self.release.software}/modules/all"\n'
        )
        os.makedirs(os.path.dirname(self.release.compat))
        os.symlink(real.compat, self.release.compat)

    def install(self, name: str = 'App/1.0', module: str = '') -> Path:
        path = Path(self.release.software, 'software', name)
        (path / 'bin').mkdir(parents=True)
        software = name.split('/')[0]
        text = MODULE.format(path=path, name=software, upper=software.upper()) + module
        file = Path(self.release.software, 'modules', 'all', f'{name}.lua')
        file.parent.mkdir(parents=True)
        file.write_text(text)
        return path

    def program(self, text: str = '#!/bin/sh\necho App 1.0\n', name: str = 'app') -> Path:
        path = Path(self.release.software, 'software', 'App/1.0', 'bin', name)
        path.write_text(text)
        path.chmod(0o755)
        return path

    def findings(self, *groups: str) -> dict[str, Finding]:
        path = f'{self.release.software}/software/App/1.0'
        module = module_file(self.release, 'App/1.0')
        request = InstallationRequest(self.release, 'App/1.0', path, module, groups)
        report = next(check_installations([request], None, 1))
        assert report.not_run == ()
        return {finding.check: finding for finding in report.findings}


@pytest.fixture
def workplace(tmp_path: Path, local_stack: Path) -> Workplace:
    return Workplace(tmp_path, Release(f'{local_stack}/versions/2023.06', 'x86_64/generic'))


running = pytest.mark.stack


@running
def test_a_sound_module_and_program(workplace: Workplace) -> None:
    workplace.install()
    workplace.program()
    assert workplace.findings('module', 'start-up', 'bundle') == {}


@running
@pytest.mark.parametrize(
    ('line', 'check', 'words'),
    [
        ('prepend_path("LD_LIBRARY_PATH", pathJoin(root, "lib"))', 'library-path', 'LD_LIBRARY'),
        ('setenv("LD_PRELOAD", "/x.so")', 'library-path', 'LD_PRELOAD'),
        ('depends_on("Gone/1.0")', 'dependency', 'Gone/1.0'),
        ('depends_on("Gone/1.0")', 'load', 'Gone'),
        ('LmodError("no licence")', 'load', 'no licence'),
        ('this is not Lua', 'load', 'Lua'),
        ('setenv("EBROOTAPP", "/elsewhere")', 'root', '/elsewhere'),
        ('prepend_path("PYTHONPATH", pathJoin(root, "lib/gone"))', 'directory', 'lib/gone'),
        (
            'if (mode() == "load") then execute{cmd="export LEFT=1", modeA={"load"}} end',
            'unload',
            'LEFT',
        ),
    ],
)
def test_modules_with_a_fault(workplace: Workplace, line: str, check: str, words: str) -> None:
    workplace.install(module=line)
    found = workplace.findings('module')[f'module/{check}']
    assert words.lower() in found.reason.lower()


@running
def test_a_module_that_forgets_its_programs(workplace: Workplace) -> None:
    path = workplace.install()
    workplace.program()
    file = Path(workplace.release.software, 'modules/all/App/1.0.lua')
    file.write_text(f'setenv("EBROOTAPP", "{path}")\n')
    found = workplace.findings('module')
    assert set(found) == {'module/path', 'module/conflict'}


@running
def test_an_installation_without_a_module(workplace: Workplace) -> None:
    workplace.install()
    Path(workplace.release.software, 'modules/all/App/1.0.lua').unlink()
    assert 'module/missing' in workplace.findings('module')


@running
@pytest.mark.parametrize(
    ('text', 'check', 'words'),
    [
        ('#!/bin/sh\nkill -SEGV $$\n', 'crash', 'SIGSEGV'),
        ('#!/bin/sh\nkill -ILL $$\n', 'crash', 'SIGILL'),
        ('#!/gone/python\n', 'crash', 'cannot be executed'),
        ('\x7fELF nonsense', 'crash', 'cannot be executed'),
        ('#!/bin/sh\nexit 0\n', 'silent', 'says nothing'),
        ('#!/bin/sh\n: >"$EBROOTAPP/bin/written"\necho App 1.0\n', 'writes', 'written'),
    ],
)
def test_programs_that_do_not_start(
    workplace: Workplace, text: str, check: str, words: str
) -> None:
    workplace.install()
    workplace.program(text)
    assert words in workplace.findings('start-up')[f'start-up/{check}'].reason


@running
def test_a_program_that_answers_only_help_is_not_called_silent(workplace: Workplace) -> None:
    workplace.install()
    workplace.program('#!/bin/sh\n[ "$1" = --help ] && echo "usage: app"\nexit 0\n')
    assert 'start-up/silent' not in workplace.findings('start-up')


@running
def test_a_script_without_first_line_runs_as_in_a_shell(workplace: Workplace) -> None:
    workplace.install()
    workplace.program('echo App 1.0\n')
    workplace.program('this is a script for Windows', name='app.cmd')
    assert workplace.findings('start-up') == {}


@running
def test_a_program_that_hangs_is_stopped(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr('eessi_library.installation.start_up.LIMIT_SECONDS', 2)
    workplace.install()
    workplace.program('#!/bin/sh\nsleep 600\n')
    assert 'start-up/no-answer' in workplace.findings('start-up')


@running
def test_a_program_without_its_library(workplace: Workplace, tmp_path: Path) -> None:
    path = workplace.install()
    library = gcc('int f(void) { return 1; }', tmp_path / 'libf.so', '-shared', '-fPIC')
    code = 'int f(void); int main(void) { return f(); }'
    gcc(code, path / 'bin' / 'app', f'-L{tmp_path}', '-lf', f'-Wl,-rpath,{tmp_path}')
    library.unlink()
    assert 'libf.so' in workplace.findings('start-up')['start-up/loader'].reason


@running
def test_a_program_of_another_version(workplace: Workplace) -> None:
    workplace.install()
    workplace.program('#!/bin/sh\necho App 1.1\n')
    assert 'reports 1.1' in workplace.findings('start-up')['version/differs'].reason


EASYCONFIG = """\
name = 'App'
sanity_check_paths = {
    'files': ['bin/app', 'libexec/%s' % name, 'libexec/worker', ('lib/a.txt', 'lib64/a.txt')],
    'dirs': ['libexec'],
}
"""


@running
def test_a_program_of_the_sanity_paths_is_started_too(workplace: Workplace) -> None:
    path = workplace.install()
    workplace.program()
    (path / 'easybuild').mkdir()
    (path / 'easybuild' / 'App-1.0.eb').write_text(EASYCONFIG)
    (path / 'libexec').mkdir()
    worker = path / 'libexec' / 'worker'
    worker.write_text('#!/bin/sh\nkill -ABRT $$\n')
    worker.chmod(0o755)
    found = workplace.findings('start-up')['start-up/crash']
    assert (found.member, 'SIGABRT' in found.reason) == ('libexec/worker', True)


@running
@pytest.mark.parametrize(
    ('body', 'words'),
    [
        ('x = 1\n', None),
        ('import nothing_of_that_name\n', 'nothing_of_that_name'),
        ('import os\nos.kill(os.getpid(), 11)\n', 'signal 11'),
    ],
)
def test_extensions_of_a_python_bundle(workplace: Workplace, body: str, words: str | None) -> None:
    path = workplace.install(
        module='prepend_path("PYTHONPATH", pathJoin(root, "lib/python3/site-packages"))'
    )
    site = path / 'lib' / 'python3' / 'site-packages'
    (site / 'good-1.dist-info').mkdir(parents=True)
    (site / 'good-1.dist-info' / 'RECORD').write_text('good.py,,\nbad/__init__.py,,\n')
    (site / 'good.py').write_text('')
    (site / 'bad').mkdir()
    (site / 'bad' / '__init__.py').write_text(body)
    found = workplace.findings('bundle')
    assert set(found) == ({'bundle/python-import'} if words else set())
    if words:
        assert words in found['bundle/python-import'].reason


@running
@pytest.mark.parametrize(
    ('body', 'words'),
    [
        ('1;', None),
        ('use Nothing::Of::That::Name; 1;', 'Nothing/Of/That/Name'),
        ('kill 11, $$; 1;', 'signal 11'),
        ('0;', 'true value'),
    ],
)
def test_modules_of_a_perl_bundle(workplace: Workplace, body: str, words: str | None) -> None:
    path = workplace.install(
        module='prepend_path("PERL5LIB", pathJoin(root, "lib/perl5/site_perl"))'
    )
    site = path / 'lib' / 'perl5' / 'site_perl'
    for name, text in (('Good', '1;'), ('Bad', body)):
        (site / 'auto' / 'My' / name).mkdir(parents=True)
        (site / 'auto' / 'My' / name / '.packlist').write_text('')
        (site / 'My').mkdir(exist_ok=True)
        (site / 'My' / f'{name}.pm').write_text(f'package My::{name};\n{text}\n')
    found = workplace.findings('bundle')
    assert set(found) == ({'bundle/perl-module'} if words else set())
    if words:
        assert found['bundle/perl-module'].member == 'My::Bad'
        assert words in found['bundle/perl-module'].reason


@running
@pytest.mark.parametrize(
    ('requirement', 'sound'),
    [
        ('good', True),
        ('of-no-such-name>=2', False),
        ('of-no-such-name; python_version < "3"', True),
        ('of-no-such-name; extra == "test"', True),
    ],
)
def test_requirements_of_a_python_bundle(
    workplace: Workplace, requirement: str, sound: bool
) -> None:
    path = workplace.install(
        module='prepend_path("PYTHONPATH", pathJoin(root, "lib/python3/site-packages"))'
    )
    site = path / 'lib' / 'python3' / 'site-packages'
    for name, requires in (('good', ''), ('bad', f'Requires-Dist: {requirement}\n')):
        (site / f'{name}-1.0.dist-info').mkdir(parents=True)
        text = f'Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n{requires}'
        (site / f'{name}-1.0.dist-info' / 'METADATA').write_text(text)
        (site / f'{name}-1.0.dist-info' / 'RECORD').write_text(f'{name}.py,,\n')
        (site / f'{name}.py').write_text('')
    found = workplace.findings('bundle')
    assert set(found) == (set() if sound else {'bundle/pip-check'})
    if not sound:
        assert 'requires of-no-such-name' in found['bundle/pip-check'].reason


COMPILER = """\
#!/bin/bash
{before}
exec /usr/bin/gcc "$@" {options}
"""


def stack_options(workplace: Workplace) -> str:
    """Return what makes the host's gcc build for the release."""
    compat = workplace.real.compat
    loader = f'{workplace.release.compat}/lib64/ld-linux-x86-64.so.2'
    libraries = f'{compat}/lib/x86_64-linux-gnu:{compat}/usr/lib/x86_64-linux-gnu'
    return f'-Wl,--dynamic-linker={loader} -Wl,--disable-new-dtags,-rpath,{libraries}'


@running
@pytest.mark.parametrize(
    ('before', 'options', 'check', 'words'),
    [
        ('', '{stack}', None, ''),
        ('', '', 'build/interpreter', 'not with the loader of the release'),
        ('echo "cc1: out of luck" >&2; exit 4', '', 'build/compile', 'out of luck'),
        ('', '{stack} -lgone', 'build/compile', '-lgone'),
        (
            'printf "#!/bin/sh\\necho sum 1\\n" >"$4"; chmod +x "$4"; exit 0',
            '',
            'build/run',
            'sum 5050',
        ),
        ('', '{stack} -Wl,-e,0x10', 'build/run', 'SIG'),
    ],
)
def test_a_compiler_builds_on_top_of_the_stack(
    workplace: Workplace, before: str, options: str, check: str | None, words: str
) -> None:
    workplace.install()
    stack = stack_options(workplace)
    workplace.program(
        COMPILER.format(before=before, options=options.format(stack=stack)), name='gcc'
    )
    found = workplace.findings('build')
    assert set(found) == ({check} if check else set())
    if check:
        assert words in found[check].reason


@running
@pytest.mark.parametrize(
    ('setting', 'options', 'check', 'words'),
    [
        ('setenv("CC", "gcc")', '{stack}', None, ''),
        ('setenv("CC", "gcc") setenv("CFLAGS", "--gone")', '{stack}', 'build/compile', '--gone'),
        ('setenv("CC", "gcc")', '', 'build/interpreter', 'loader of the release'),
        ('setenv("CC", "no-such-compiler")', '', 'build/compile', 'nowhere'),
        ('setenv("FC", "/usr/bin/gfortran")', '', 'build/compile', 'not of the stack'),
    ],
)
def test_a_build_environment_builds_on_top_of_the_stack(
    workplace: Workplace, setting: str, options: str, check: str | None, words: str
) -> None:
    """As EasyBuild's buildenv: variables, and wrappers below bin."""
    module = 'prepend_path("PATH", pathJoin(root, "bin/rpath_wrappers/gcc_wrapper"))\n'
    path = workplace.install(module=module + setting.replace(') set', ')\nset'))
    wrapper = path / 'bin' / 'rpath_wrappers' / 'gcc_wrapper' / 'gcc'
    wrapper.parent.mkdir(parents=True)
    stack = options.format(stack=stack_options(workplace))
    wrapper.write_text(COMPILER.format(before='', options=stack))
    wrapper.chmod(0o755)
    found = workplace.findings('build')
    assert set(found) == ({check} if check else set())
    if check:
        assert words in found[check].reason


@running
@pytest.mark.slow
def test_the_local_stack_is_sound(local_stack: Path, tmp_path: Path) -> None:
    from eessi_library.installation import installations

    release = Release(f'{local_stack}/versions/2023.06', 'x86_64/generic')
    cache = str(tmp_path / 'cache.sqlite')
    first = list(check_installations(installations(release), cache))
    assert first
    assert [r.errors for r in first if not r.is_sound] == []
    again = list(check_installations(installations(release), cache))
    assert all(report.cached for report in again)
    assert [r.findings for r in again] == [r.findings for r in first]


@running
@pytest.mark.slow
def test_the_full_stack_is_sound(full_stack: Path, tmp_path: Path) -> None:
    from eessi_library.installation import installations

    release = Release(f'{full_stack}/versions/2023.06', 'x86_64/generic')
    reports = list(check_installations(installations(release), str(tmp_path / 'cache.sqlite')))
    assert [f.sentence() for r in reports for f in r.errors] == []
