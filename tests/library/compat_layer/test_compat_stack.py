"""The library tests on the local stack: sound as it is, and caught when it is broken.

Faults are shell commands on an overlay, see ``conftest.py``. ``fake NAME`` puts a script in the
place of a program, which finds the real one as ``$real``; ``bytes`` replaces bytes of a file.
"""

from __future__ import annotations

import os

import pytest

from eessi_library.compat_layer import (
    GROUPS,
    applicable_checks,
    detect_package_manager,
    group_applicable,
    shipped_programs,
)

pytestmark = pytest.mark.stack

TESTS = {group: place.rpartition('.')[2] for group, place in GROUPS.items()}


def subject(compat):
    return '2023.06', detect_package_manager(compat), shipped_programs(compat)


PROLOGUE = r"""
fake() {
    file=$(readlink -f "$C/usr/bin/$1"); mv "$file" "$file.real"
    { echo "#!$C/bin/bash"; echo "real=$file.real"; cat; } >"$file"; chmod 755 "$file"
}
bytes() {
    /usr/bin/env python3 -c '
import os, sys
file, old, new = os.path.realpath(sys.argv[1]), *map(bytes.fromhex, sys.argv[2:])
data = open(file, "rb").read()
assert old in data and len(old) == len(new), "nothing to replace"
os.unlink(file)
open(file, "wb").write(data.replace(old, new)); os.chmod(file, 0o755)' "$@"
}
"""

#: Library test, name of the fault, what breaks the compat layer, and what the failure must say.
FAULTS = [
    ('CompatTools', 'status swallowed', "sed -i 's/^exit .*/exit 0/' $C/startprefix",
     'start: status of startprefix'),
    ('CompatTools', 'status invented',
     "sed -i 's/with exit status .*/with exit status 0\"/' $C/startprefix",
     'start: status that startprefix reports'),
    ('CompatTools', 'no startprefix', 'rm $C/startprefix', 'startprefix'),
    ('CompatTools', 'tool is missing', 'rm -f $C/usr/bin/patchelf', 'tools: patchelf is found'),
    ('CompatTools', 'tool does not start', "fake ld.bfd <<<'exit 3'", 'tools: do not start'),
    ('CompatTools', 'make says it is done', "fake make <<<'echo JOB DONE'", 'make: expected'),
    ('CompatTools', 'patch does nothing', "fake patch <<<'exit 0'", 'patch: expected'),
    ('CompatTools', 'patchelf does nothing', "fake patchelf <<<'exit 0'", 'patchelf: RPATH'),
    ('CompatTools', 'linker drops data',
     "fake ld.bfd <<<'printf 0123456789abcdef >data.txt; exec $real \"$@\"'",
     'linker: data section'),
    ('CompatTools', 'archspec names another CPU',
     "fake archspec <<<'echo a64fx'", 'archspec: family of a64fx'),
    ('CompatTools', 'archspec overrates the CPU',
     "fake archspec <<<'echo sapphirerapids_x'", "archspec: 'sapphirerapids_x' is not"),
    ('CompatTools', 'git changes content',
     "fake git <<<'[ $1 = add ] && echo more >>data; exec $real \"$@\"'", 'git: commit'),
    ('CompatTools', 'git without https', 'rm -f $C/usr/lib/git-core/git-remote-http*', 'git: exit'),
    ('CompatTools', 'git lacks a library', 'rm -f $C/usr/lib/*/libpcre2-8.so*', 'libpcre2-8.so.0'),
    ('CompatTools', 'curl truncates',
     "fake curl <<<'$real \"$@\"; [ -f received.txt ] && truncate -s 99 received.txt'",
     'curl: SHA-256'),
    ('CLibrary', 'awk prints a wrong digit',
     "fake awk <<<'$real \"$@\" | sed \"s/[0-9]e/0e/\"'", 'format: awk prints'),
    ('CLibrary', 'strtod and snprintf are not those of glibc',
     "fake python3 <<<'$real \"$@\" | sed \"s/^\\(0x1.*\\)[0-9a-f]p/\\10p/\"'", 'convert: strtod'),
    # The quadratic coefficient of exp in sysdeps/ieee754/dbl-64/e_exp_data.c, one byte changed.
    ('CLibrary', 'exp with a wrong coefficient',
     'bytes $C/lib/*/libm.so.6 bdfdffffffffdf3f bdfdffff00ffdf3f', 'math: exp('),
    ('CLibrary', 'wrong character table',
     'cd $C/usr/lib/*/gconv; cp --remove-destination CP1251.so KOI8-R.so',
     'iconv'),
    ('LocaleAndTime', 'no en_US', 'rm -rf $C/usr/lib/locale/en_US.utf8', 'locale: `locale -a`'),
    ('LocaleAndTime', 'numbers of another locale',
     'cp --remove-destination $C/usr/lib/locale/C.utf8/LC_NUMERIC $C/usr/lib/locale/en_US.utf8/',
     'locale_rules: grouped digits'),
    ('LocaleAndTime', 'order of another locale',
     'cp --remove-destination $C/usr/lib/locale/C.utf8/LC_COLLATE $C/usr/lib/locale/en_US.utf8/',
     'locale_rules: English order'),
    ('LocaleAndTime', 'a zone is another',
     'cd $C/usr/share/zoneinfo/Europe; cp --remove-destination London Brussels',
     'time_zone: Europe/Brussels'),
    ('LocaleAndTime', 'no zones', 'rm -rf $C/usr/share/zoneinfo', 'time_zone: '),
    ('NameService', 'users of a stranger',
     "fake getent <<<'[ $1 = passwd ] && { echo x:x:0:0::/:/bin/sh; exit; }; exec $real \"$@\"'",
     'users: passwd'),
    ('NameService', 'everybody exists',
     "fake getent <<<'$real \"$@\"; exit 0'", 'users: a user that does not exist'),
    ('NameService', 'every host is one',
     "fake getent <<<'case $1 in ahosts*) echo 10.0.0.1 STREAM;; *) exec $real \"$@\";; esac'",
     'hosts: localhost is'),
    ('NameService', 'own list of users',
     'rm $C/etc/passwd; echo root:x:0:0:root:/root:/bin/bash >$C/etc/passwd',
     'host_links: '),
    ('TrustStore', 'certificate is damaged',
     "sed -i '40s/./!/5' $C/etc/ssl/certs/ca-certificates.crt", 'certificates: '),
    ('TrustStore', 'store is cut off',
     'truncate -s 100000 $C/etc/ssl/certs/ca-certificates.crt', 'certificates: complete blocks'),
    ('TrustStore', 'store is missing', 'rm $C/etc/ssl/certs/ca-certificates.crt',
     'ca-certificates.crt is missing'),
    ('TrustStore', 'the host adds to the store',
     "sed -i 's/SSL_CERT_DIR=/OTHER=/' $C/startprefix", 'certificates: Python trusts'),
    ('TrustStore', 'store is not the default',
     "sed -i 's#SSL_CERT_FILE=\"[^\"]*\"#SSL_CERT_FILE=/x SSL_CERT_DIR=/x#' $C/startprefix;"
     "fake openssl <<<'export SSL_CERT_FILE=/x SSL_CERT_DIR=/x; exec $real \"$@\"'",
     'default_store: '),
    ('TrustStore', 'openssl trusts everybody',
     "fake openssl <<<'$real \"$@\"; exit 0'", 'chain: store'),
    ('TrustStore', 'curl trusts everybody', "fake curl <<<'exec $real -k \"$@\"'", 'handshake: '),
    ('TrustStore', 'curl trusts nobody',
     "fake curl <<<'exec $real \"$@\" --cacert /dev/null'", 'handshake: '),
    ('Loader', 'a library of the host',
     'f=$(readlink -f $C/usr/bin/gawk); cp $f $f.new; mv $f.new $f;'
     'own=$($C/usr/bin/patchelf --print-rpath $f); $C/usr/bin/patchelf --force-rpath '
     '--set-rpath /usr/lib/$(uname -m)-linux-gnu:/usr/lib64:$own $f',
     'own_libraries: awk loads'),
    ('Loader', 'the loader searches the host',
     'bytes $C/lib64/ld-linux-*.so.2 2f6e696c2f 2f6c69622f', 'dlopen_search: the loader searches'),
    ('Loader', 'the database names another glibc',
     "sed -i '/^Package: libc6$/,/^$/s/^Version: 2.36/Version: 2.39/' $C/var/lib/dpkg/status",
     'glibc_version: loader, as the database'),
    ('PackageDatabase', 'a file is modified', 'echo >>$C/usr/share/zoneinfo/Asia/Tokyo',
     'usr/share/zoneinfo/Asia/Tokyo of tzdata is modified'),
    ('PackageDatabase', 'a file is missing', 'rm $C/usr/bin/sort',
     'sort of coreutils is missing'),
    ('PackageDatabase', 'a stranger', 'cp $C/usr/bin/true $C/usr/bin/miner',
     'unowned: no package has: usr/bin/miner'),
    ('PackageDatabase', 'a package is gone',
     "sed -i '/^Package: lmod$/,/^$/d' $C/var/lib/dpkg/status",
     'database: packages are not installed: lmod'),
    ('PackageDatabase', 'no database', 'rm -r $C/var', 'has no package database'),
    ('Permissions', 'setuid', 'chmod u+s $C/usr/bin/cat', 'usr/bin/cat is setuid'),
    ('Permissions', 'unreadable', 'chmod 600 $C/usr/lib/os-release',
     'usr/lib/os-release is not readable by everybody'),
    ('Permissions', 'world-writable', 'chmod o+w $C/usr/lib/os-release',
     'usr/lib/os-release is world-writable'),
    ('ModuleSystem', 'own modules are not listed', ': >$C/etc/lmod/modulespath',
     "module_avail: Lmod's own module lmod is not listed"),
    ('ModuleSystem', 'dependencies are ignored',
     "f=$(readlink -f $C/usr/share/lmod/lmod/libexec/modfuncs.lua); "
     "sed -i 's/^function depends_on(.*/&\\n   do return true end/' $f",
     'module_load: loaded'),
    ('ModuleSystem', 'Lmod is broken', 'rm $C/usr/share/lmod/lmod/libexec/MName.lua', 'module_'),
]  # fmt: skip


@pytest.mark.parametrize('group', GROUPS)
def test_a_sound_compat_layer_passes_and_what_does_not_apply_is_skipped(group, compat, run_group):
    outcome = run_group(TESTS[group], compat)
    if group_applicable(group, *subject(compat)).applies:
        assert (outcome.result, outcome.reason) == ('pass', '')
        assert outcome.values['checks'] == len(applicable_checks(group, *subject(compat)))
        assert outcome.values['values'] >= outcome.values['checks']
    else:
        assert outcome.result == 'skip'


@pytest.mark.slow
@pytest.mark.parametrize(
    ('test', 'name', 'fault', 'sentence'), FAULTS, ids=[f'{row[0]}: {row[1]}' for row in FAULTS]
)
def test_a_fault_is_caught_and_named(test, name, fault, sentence, compat, run_group):
    outcome = run_group(test, compat, PROLOGUE + fault)
    assert outcome.result == 'fail'
    assert sentence in outcome.reason


REPLAY = """
recorded={recorded}
cat >$C/startprefix <<X
#!/bin/bash
cp -a $recorded/*.out $recorded/*.err $recorded/statuses.txt . 2>/dev/null
echo Entering Gentoo Prefix $C
echo Leaving Gentoo Prefix with exit status 0
X
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    'group', [g for g in GROUPS if g not in ('packages', 'compiler', 'portage_setup')]
)
@pytest.mark.parametrize('forged', [False, True], ids=['recorded', 'with this nonce in the status'])
def test_a_recorded_run_does_not_pass(group, forged, compat, run_group):
    recorded = run_group(TESTS[group], compat, nonce='0123456789abcdef')
    replay = REPLAY.format(recorded=recorded.stage)
    if forged:
        replay += (
            'sed -i \'2a eval $(grep -o "NONCE=.*" session.sh | head -n 1)\' $C/startprefix\n'
            "echo 'sed -i s/0123456789abcdef/$NONCE/ statuses.txt' >>$C/startprefix\n"
        )
    outcome = run_group(TESTS[group], compat, replay)
    assert outcome.result == 'fail'
    for check in applicable_checks(group, *subject(compat)):
        assert f'{check}: ' in outcome.reason


@pytest.mark.parametrize(
    ('answer', 'sentence'),
    [
        ('No broken requirements found.', ''),
        ('archspec 0.2 requires six, which is not installed.', 'pip_check: expected'),
        ('', 'pip_check: expected'),
    ],
)
def test_what_pip_says_of_the_packages(answer, sentence, compat, run_group):
    fault = f'printf "#!$C/bin/bash\\necho {answer}\\n" >$C/usr/bin/pip; chmod 755 $C/usr/bin/pip'
    outcome = run_group('CompatTools', compat, fault)
    assert outcome.result == ('fail' if sentence else 'pass')
    assert sentence in outcome.reason


WRAPPER = """
lib=$(dirname $(readlink -f $C/lib/*/libc.so.6))
cat >$C/usr/bin/gcc <<X
#!$C/bin/bash
exec /usr/bin/gcc "\\$@" {options}
X
chmod 755 $C/usr/bin/gcc
"""
OWN = '-Wl,--dynamic-linker=$(readlink -f $C/lib64)/ld-linux-x86-64.so.2,-rpath,$lib'


@pytest.mark.skipif(
    not os.path.exists('/usr/bin/gcc') or os.uname().machine != 'x86_64',
    reason='the local stack ships no GCC and this host has none to stand in',
)
@pytest.mark.parametrize(
    ('options', 'result', 'sentence'),
    [
        (OWN, 'pass', ''),
        ('', 'fail', 'lto: the program asks for the loader'),
        (f'{OWN} -fno-such-option', 'fail', 'lto: exit status 1'),
        (f'{OWN} -Dsquare=labs', 'fail', 'lto'),
    ],
    ids=['sound', 'loader of the host', 'compiler fails', 'wrong code'],
)
def test_a_compiler_that_the_host_lends(options, result, sentence, compat, run_group):
    outcome = run_group('Compiler', compat, WRAPPER.format(options=options))
    assert outcome.result == result
    assert sentence in outcome.reason
