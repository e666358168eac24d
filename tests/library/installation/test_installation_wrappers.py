"""Wrappers in the shells, csh, Perl and Python, and packages of CMake, that name other places."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from eessi_library.installation import InstallationRequest, Release, check_installations
from eessi_library.installation.model import Finding
from eessi_library.installation.text.script_languages import language_of
from eessi_library.installation.text.script_programs import named_programs

SH, CSH, PERL, PYTHON = (
    f'#!@compat@/bin/{name}\n' for name in ('bash', 'tcsh', 'perl', 'python3.11')
)


@pytest.fixture
def app(tmp_path: Path) -> InstallationRequest:
    release = Release(f'{tmp_path}/stack/versions/2023.06', 'x86_64/generic')
    path = f'{release.software}/software/App/1.0'
    Path(path, 'bin').mkdir(parents=True)
    Path(f'{release.compat}/bin').mkdir(parents=True)
    for name in ('bash', 'tcsh', 'perl', 'python3.11'):
        Path(f'{release.compat}/bin/{name}').write_text('')
    return InstallationRequest(release, 'App/1.0', path, None, ('text',))


def put(app: InstallationRequest, name: str, text: str) -> list[tuple[str, str, str]]:
    """Write one member; what is found in it: check, path, severity."""
    path = Path(app.path, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text.replace('@own@', app.path).replace('@compat@', app.release.compat))
    path.chmod(0o755)
    findings: tuple[Finding, ...] = next(check_installations([app], None, 1)).findings
    return [(f.check, f.subject, f.severity.value) for f in findings]


HOST, FOREIGN, BUILD = 'text/host-program', 'text/foreign-path', 'text/build-path'


@pytest.mark.parametrize(
    ('text', 'check', 'named'),
    [
        (SH + 'CC=/usr/bin/gcc\nexec "$CC" "$@"\n', HOST, '/usr/bin/gcc'),
        (SH + 'export CC="/usr/bin/gcc -O2"\n$CC "$@"\n', HOST, '/usr/bin/gcc'),
        (SH + 'CC=${CC:-/usr/bin/gcc}\nexec ${CC} "$@"\n', HOST, '/usr/bin/gcc'),
        (SH + ': ${CC:=/usr/bin/gcc}\nexec $CC "$@"\n', HOST, '/usr/bin/gcc'),
        (SH + 'exec "${CC:-/usr/bin/gcc}" "$@"\n', HOST, '/usr/bin/gcc'),
        (SH + 'cmd=(/project/x/bin/app -v)\n"${cmd[@]}" "$@"\n', FOREIGN, '/project/x/bin/app'),
        (SH + 'D=/project/x\nB=$D/bin\nexec "$B/app"\n', FOREIGN, '/project/x/bin/app'),
        (SH + 'D=/opt/x\nif true; then\n  A=1 exec \\\n    $D/app; fi\n', HOST, '/opt/x/app'),
        (SH + 'X=/scratch/b/app\nout=$($X --version)\n', BUILD, '/scratch/b/app'),
        (SH + 'X=/scratch-b/u/app\nexec nice -n 5 $X\n', BUILD, '/scratch-b/u/app'),
        (SH + 'exec timeout 5 /usr/bin/gcc\n', HOST, '/usr/bin/gcc'),
        (SH + '. /project/x/env.sh\n', FOREIGN, '/project/x/env.sh'),
        (SH + 'C=/usr/bin/gcc\nf() { "$C" "$@"; }\n', HOST, '/usr/bin/gcc'),
        (SH + 'C=/usr/bin/gcc\n( $C )\nv=$($C)\n', HOST, '/usr/bin/gcc'),
        (SH + 'C=/usr/bin/gcc\nexec -a gcc "$C"\n', HOST, '/usr/bin/gcc'),
        (CSH + 'alias gcc /usr/bin/gcc\ngcc $argv:q\n', HOST, '/usr/bin/gcc'),
        (PERL + 'my @c = ("/usr/bin/gcc", @ARGV);\nexec @c;\n', HOST, '/usr/bin/gcc'),
        (PERL + "exec {'/usr/bin/gcc'} 'gcc', @ARGV;\n", HOST, '/usr/bin/gcc'),
        (PYTHON + 'os.execv(\n    "/usr/bin/gcc",\n    a)\n', HOST, '/usr/bin/gcc'),
        (PYTHON + 'p = Path("/opt/x/bin/c")\nrun([p])\n', HOST, '/opt/x/bin/c'),
        (PYTHON + 'D = "/opt/x"\nrun([os.path.join(D, "c")])\n', HOST, '/opt/x'),
        (CSH + 'set CC = /usr/bin/gcc\nexec $CC $argv:q\n', HOST, '/usr/bin/gcc'),
        (CSH + 'setenv CC /project/x/gcc\n$CC $argv:q\n', FOREIGN, '/project/x/gcc'),
        (CSH + '/usr/bin/gcc $argv:q\n', HOST, '/usr/bin/gcc'),
        (CSH + 'setenv LD_LIBRARY_PATH /opt/x/lib\n', HOST, '/opt/x/lib'),
        (PERL + "exec '/usr/bin/gcc', @ARGV;\n", HOST, '/usr/bin/gcc'),
        (PERL + 'my $cc = "/usr/bin/gcc";\nexec($cc, @ARGV);\n', HOST, '/usr/bin/gcc'),
        (PERL + 'my $d = "/project/x";\nsystem("$d/bin/app -v");\n', FOREIGN, '/project/x/bin/app'),
        (PERL + 'my $v = `/usr/bin/gcc -v`;\n', HOST, '/usr/bin/gcc'),
        (PERL + 'open(my $f, "-|", "/usr/bin/nm", $x);\n', HOST, '/usr/bin/nm'),
        (PERL + 'open(F, "/usr/bin/nm $x |");\n', HOST, '/usr/bin/nm'),
        (PERL + 'use lib "/project/x/perl5";\n', FOREIGN, '/project/x/perl5'),
        (PYTHON + "import os\nos.execv('/usr/bin/gcc', a)\n", HOST, '/usr/bin/gcc'),
        (PYTHON + "CC = '/usr/bin/gcc'\nos.execvp(CC, [CC])\n", HOST, '/usr/bin/gcc'),
        (PYTHON + "a = ['/project/x/bin/app']\nsubprocess.run(a)\n", FOREIGN, '/project/x/bin/app'),
        (PYTHON + "a = ['/opt/x/app', 1]\nos.execv(a[0], a)\n", HOST, '/opt/x/app'),
        (PYTHON + "D = '/opt/x'\nos.system(f'{D}/bin/app')\n", HOST, '/opt/x/bin/app'),
        (PYTHON + "C = os.environ.get('C', '/usr/bin/c')\ncall([C])\n", HOST, '/usr/bin/c'),
        (PYTHON + "sys.path.insert(0, '/project/x/lib')\n", FOREIGN, '/project/x/lib'),
    ],
)
def test_a_program_of_elsewhere_by_way_of_the_language(
    app: InstallationRequest, text: str, check: str, named: str
) -> None:
    assert put(app, 'bin/wrap', text) == [(check, named, 'error')]


@pytest.mark.parametrize(
    'text',
    [
        SH + '[ "$l" != x ] && LIBS="-L/usr/lib $LIBS"\n',
        SH + 'if test $1 = --libs; then echo "-L/usr/lib -lx"; fi\n',
        SH + 'LIBS = "-L/usr/lib"\n',
    ],
)
def test_a_search_path_that_is_handed_on_beside_a_comparison(
    app: InstallationRequest, text: str
) -> None:
    assert put(app, 'bin/wrap', text) == [(FOREIGN, '/usr/lib', 'error')]


def test_a_variable_that_may_hold_something_else_is_a_warning(app: InstallationRequest) -> None:
    text = SH + 'CC=@own@/bin/gcc\n[ "$X" ] && CC=/usr/bin/gcc\nexec "$CC"\n'
    assert put(app, 'bin/wrap', text) == [(HOST, '/usr/bin/gcc', 'warning')]


@pytest.mark.parametrize(
    'text',
    [
        SH + 'for d in /usr/local /opt; do\n  [ -x $d/bin/x ] && exec $d/bin/x\ndone\n',
        SH + 'if [ -x /usr/bin/gcc ]; then CC=/usr/bin/gcc; fi\n$CC "$@"\n',
        SH + 'exec ${PAGER:-/usr/bin/less} x\n',
        SH + 'CC=@own@/bin/gcc\nexec "$CC" "$@"\n',
        SH + 'E=/usr/bin/env\nS=/bin/sh\necho $E $S\n',
        SH + 'S=/bin/sh\nexec $S -c true\n',
        SH + 'exec /usr/bin/env A=1 python3 "$@"\n',
        SH + 'E=/usr/bin/env\nexec $E python3 "$@"\n',
        PERL + 'exec "/usr/bin/env", "perl", @ARGV;\n',
        SH + 'prefix=/usr\ncase $x in\n$prefix/lib) echo;;\nesac\n',
        SH + 't=`mktemp ${TMPDIR:-/tmp}/x.XXXXXX`\nl=$(mktemp /tmp/y.XXXXXX)\n. $t\n',
        SH + 't=/tmp/x.$$\n: >$t\n. $t\n',
        SH + 'x=/usr/bin/gcc\ncat <<EOF\n$x is not here\nEOF\n',
        SH + 'echo "or set CC=/usr/bin/gcc"\n# exec /opt/x/bin/app\n',
        SH + 'd=/usr/share\ngcc -c \\\n  $d/x.c\necho x >| $d/y\n',
        SH + 'R=/usr/${l}/R\n[ -x "/usr/${l}/R/bin/exec/R" ] || R=@own@\nexec "$R/bin/exec/R"\n',
        SH + 'p=/usr/share\nx=($p/a $p/b)\ny=$(echo $p)\nz="a ($p)"\n',
        SH + 'if [ "-L@own@/lib" != "-L/usr/lib" -a "$l" != "-L/usr/lib64" ]; then :; fi\n',
        SH + 'if test x-I$i = x-I/usr/include; then i=; fi\n',
        CSH + '# exec /opt/x\nset d = @own@\nexec $d/bin/x\n',
        PERL + '# exec "/usr/bin/gcc"\nexec "/bin/sh", "-c", $x;\n',
        PERL + '=pod\n\nexec "/usr/bin/nm"\n\n=cut\nprint "see /usr/bin/nm";\n',
        PERL + 'my $d = "/usr/share/x";\nopen(F, "<", "$d/y");\n',
        PERL + 'if (-x "/usr/bin/nm") { system("/usr/bin/nm"); }\n',
        PERL + '1;\n__END__\nsystem("/usr/bin/nm");\n',
        PYTHON + '"""run(\'/usr/bin/gcc\')"""\nfor d in (\'/usr/local\', \'/opt\'):\n    run(d)\n',
        PYTHON + "app.run('/usr/x/y')\nopen('/usr/share/x')\nos.system('true')\n",
        PYTHON + "if os.path.exists('/usr/bin/gcc'):\n    os.system('/usr/bin/gcc')\n",
        PYTHON + "p = Path('/opt/x/c')\nif Path('/opt/x/c').exists():\n    run([p])\n",
        PYTHON + "import re, sys\nfrom app import main\nsys.exit(main())\n",
        PYTHON + "D = '@own@'\nos.execv(f'{D}/bin/app', sys.argv)\n",
    ],
)  # fmt: skip
def test_wrappers_that_are_sound(app: InstallationRequest, text: str) -> None:
    assert put(app, 'bin/wrap', text) == []


def test_scripts_that_nobody_starts_by_name_may_do_so(app: InstallationRequest) -> None:
    text = PYTHON + "os.execv('/usr/bin/gcc', a)\n"
    assert put(app, 'lib/python3.11/site-packages/x/tests/run.py', text) == []


CONFIG, TARGETS = 'lib/cmake/X/XConfig.cmake', 'lib64/cmake/X/X-Targets-release.cmake'


@pytest.mark.parametrize(
    ('member', 'text', 'check', 'named'),
    [
        (CONFIG, 'set(X_ROOT "/project/x")\n', FOREIGN, '/project/x'),
        (CONFIG, 'set(X_LIBRARIES\n  /project/x/lib/libx.so)\n', FOREIGN, '/project/x/lib/libx.so'),
        (CONFIG, 'set(X_ROOT "/scratch-shared/me/x")\n', FOREIGN, '/scratch-shared/me/x'),
        (CONFIG, 'set(X_ROOT "/home/me/x")\n', BUILD, '/home/me/x'),
        (CONFIG, 'set(X_ROOT "/cvmfs/other.io/versions/1/x")\n', FOREIGN, None),
        (TARGETS, '  L "/usr/lib64/libz.so;m"\n', 'text/host-path', '/usr/lib64/libz.so'),
        (TARGETS, '  L "\\$<LINK_ONLY:/gpfs/x/libz.a>"\n', FOREIGN, '/gpfs/x/libz.a'),
        (TARGETS, '  I "${_IMPORT_PREFIX}/include;/sw/b/include"\n', FOREIGN, '/sw/b/include'),
        (TARGETS, '  O "-L/sw/b/x -lb"\n', FOREIGN, '/sw/b/x'),
        (CONFIG, 'list(APPEND P "/usr/local/lib")\n', 'text/host-path', '/usr/local/lib'),
        (CONFIG, 'list( # REMOVE_ITEM\n  APPEND P /usr/lib/x)\n', 'text/host-path', '/usr/lib/x'),
        (CONFIG, 'set(P "/opt:/sw")\n', 'text/host-path', '/opt'),
        ('lib/Modules/XConfig.cmake', 'set(L /usr/lib/libz.so)\n', 'text/host-path', None),
    ],
)
def test_packages_of_cmake_that_name_other_places(
    app: InstallationRequest, member: str, text: str, check: str, named: str | None
) -> None:
    (found,) = put(app, member, text)
    assert found[0] == check
    assert named in (None, found[1])


@pytest.mark.parametrize(
    ('member', 'text'),
    [
        (CONFIG, 'get_filename_component(P "${CMAKE_CURRENT_LIST_DIR}/../../" ABSOLUTE)\n'),
        (CONFIG, 'set(X_ROOT "@own@")\nset(Z "@compat@/usr/lib/libz.so")\n'),
        (CONFIG, 'set(X_DIR "${PACKAGE_PREFIX_DIR}/include/x")\nset(S "/include/x" /lib)\n'),
        (CONFIG, 'find_library(Z z\n  PATHS\n  /usr/lib64 /sw/lib\n  HINTS /opt/x/lib)\n'),
        (CONFIG, 'if(D STREQUAL "/usr/lib" OR D MATCHES "^/sw/b/lib")\nendif()\n'),
        (CONFIG, 'list(REMOVE_ITEM P "/usr/local" # Homebrew\n  "/opt/homebrew"\n  "/sw/lib")\n'),
        (CONFIG, 'set_property(TARGET x APPEND_STRING PROPERTY LINK_FLAGS " /opt:lldlto=0")\n'),
        (CONFIG, 'foreach(d /usr/lib /sw/lib)\nendforeach()\n'),
        (CONFIG, '# built in /project/x/lib\nmessage(STATUS "not /sw/b/lib")\n'),
        (CONFIG, 'set(F "/W4 /EHsc /utf-8")\nset(W "C:/X/lib/x.lib")\nset(M /Library/F/lib)\n'),
        (TARGETS, 'if(_IMPORT_PREFIX STREQUAL "/")\n  set(_IMPORT_PREFIX "")\nendif()\n'),
        (TARGETS, 'set(_IMPORT_PREFIX "/usr")\nset(U "https://example.org/x/lib/y.so")\n'),
        (TARGETS, '  IMPORTED_LOCATION_RELEASE "${_IMPORT_PREFIX}/lib/libx.so.1.2"\n'),
        ('share/cmake-3.27/Modules/FindX.cmake', 'set(P /sw/lib /usr/local/lib)\n'),
        ('share/cmake-3.27/Modules/Platform/UnixPaths.cmake', 'list(APPEND P /usr/lib /opt)\n'),
    ],
)  # fmt: skip
def test_packages_of_cmake_that_are_sound(app: InstallationRequest, member: str, text: str) -> None:
    assert put(app, member, text) == []


@pytest.mark.parametrize('program', ['sh', 'tcsh', 'perl', 'python3'])
@pytest.mark.parametrize(
    'unit',
    ['A=1 ', 'A=1; ', 'exec ', '<<a\n', '=a\n', 'open "', 'run(\n', '$a=', 'A=/opt/$A\n$A\n'],
)
def test_a_hostile_script_costs_little(program: str, unit: str) -> None:
    language = language_of(program)
    assert language is not None
    began = time.process_time()
    list(named_programs(unit * (60_000 // len(unit)), language))
    assert time.process_time() - began < 2
