"""Perl bundles: the main module of every distribution must load."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Mapping
from typing import Final

from ..model import InstallationRequest, Observation, Severity
from .interpreters import interpreter, run_interpreter

_SITES: Final = ('lib/perl5', 'lib64/perl5', 'lib/site_perl')

#: Each module in a process of its own: a crash of one must not hide the others.
_MODULES: Final = r"""
use strict; use warnings; use POSIX ();
for my $name (@ARGV) {
    my $said = '';
    my $child = fork();
    if ($child == 0) {
        open(STDIN, '<', '/dev/null'); open(STDOUT, '>', '/dev/null');
        open(STDERR, '>', "answer.$$");
        my $there = eval "require $name; 1";
        print STDERR $@ unless $there;
        close(STDERR);
        POSIX::_exit($there ? 0 : 1);
    }
    waitpid($child, 0);
    my $status = $?;
    if ($status & 127) { $said = 'died by signal ' . ($status & 127); }
    elsif ($status) {
        open(my $file, '<', "answer.$child"); local $/; $said = <$file> // 'failed';
    }
    unlink "answer.$child";
    $said =~ s/\s+/ /g;
    print "RESULT\t$name\t$said\n";
}
"""


def check_perl(
    request: InstallationRequest, environment: Mapping[str, str], scratch: str
) -> Iterator[Observation]:
    """Yield every distribution whose main module does not load."""
    there = _modules(request)
    # A distribution may be named after no module of its own (libwww-perl): those are passed by,
    # unless its record says that there was one.
    names = [name for name in perl_names(request) if name in there or _is_recorded(request, name)]
    if not names:
        return
    program = interpreter(request, environment, ('perl',))
    if program is None:
        reason = 'has Perl modules, and its module finds no perl of the stack'
        yield Observation('bundle/no-interpreter', Severity.ERROR, 'lib/perl5', 'perl', reason)
        return
    command = [program, '-e', _MODULES, *names]
    status, out, err = run_interpreter(command, environment, scratch)
    answers = dict(
        line.split('\t')[1:3] for line in out.splitlines() if line.startswith('RESULT\t')
    )
    for name in names:
        fault = answers.get(name, f'stopped with {status}: {err.strip()[-160:]}')
        if fault:
            subject = name if name in answers else 'stopped'
            reason = f'use {name}: {fault[:240]}'
            yield Observation('bundle/perl-module', Severity.ERROR, name, subject, reason)


def perl_sites(request: InstallationRequest) -> list[str]:
    """Return the directories with Perl modules in an installation, relative to it."""
    return [site for site in _SITES if os.path.isdir(f'{request.real_path}/{site}')]


def perl_names(request: InstallationRequest) -> list[str]:
    """Return the Perl distributions of an installation by their main module.

    Each leaves ``auto/<Name>/<Of>/<It>/.packlist`` (ExtUtils::Packlist); ``Perl`` is perl itself.
    """
    found: set[str] = set()
    for lib in _SITES:
        top = f'{request.real_path}/{lib}'
        for here, _, files in os.walk(top):
            _, auto, name = here.rpartition('/auto/')
            if auto and '.packlist' in files:
                found.add(name.replace('/', '::'))
    return sorted(found - {'Perl'})


def _is_recorded(request: InstallationRequest, name: str) -> bool:
    """True when the packlist of a distribution names its main module."""
    path = name.replace('::', '/')
    for lib in _SITES:
        pattern = f'{glob.escape(request.real_path)}/{lib}/**/auto/{path}/.packlist'
        for packlist in glob.glob(pattern, recursive=True):
            with open(packlist, encoding='utf-8', errors='replace') as file:
                # a line may go on with what kind of file it is
                if any(line.split(' ')[0].strip().endswith(f'/{path}.pm') for line in file):
                    return True
    return False


def _modules(request: InstallationRequest) -> set[str]:
    """Return every name that some file of the installation could be required by."""
    found: set[str] = set()
    for lib in _SITES:
        top = f'{request.real_path}/{lib}'
        for here, _, files in os.walk(top):
            parts = os.path.relpath(here, top).split('/')
            for file in (name for name in files if name.endswith('.pm')):
                # below site_perl/5.36.0/x86_64-linux-thread-multi, or some of these
                whole = [*(part for part in parts if part != '.'), file[:-3]]
                found.update('::'.join(whole[n:]) for n in range(len(whole)))
    return found
