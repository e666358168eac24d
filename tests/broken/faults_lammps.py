"""Ways to break LAMMPS, and what the verdict must say about each."""

from __future__ import annotations

from pathlib import Path

from faults import Application, Fault
from tampering import Tampering

TEST = 'EESSI_LAMMPS_LennardJonesMelt'
ONE_RANK = ('--test', TEST, '--scale', 'cores_1')
TWO_RANKS = ('--test', TEST, '--scale', 'cores_2')


def _lmp(stack: Tampering) -> Path:
    return stack.installation('LAMMPS') / 'bin' / 'lmp'


def _stub(stack: Tampering) -> None:
    """Print what a sound run prints, on the screen."""
    lines = ('Loop time of 1.5 on 1 procs for 2000 steps with 2048 atoms',)
    lines += ('100.0% CPU use with 1 MPI tasks x 1 OpenMP threads', 'Total wall time: 0:00:01')
    shell = stack.compat / 'usr/bin/bash'
    stack.replace(_lmp(stack), f'#!{shell}\n' + '\n'.join(f'echo "{x}"' for x in lines) + '\n')


def _stub_with_logs(stack: Tampering) -> None:
    """Write log files that end well, with the right nonce, without a number in them."""
    shell = stack.compat / 'usr/bin/bash'
    nonce = 'sed -n \'s/^print "\\(nonce .*\\)"$/\\1/p\' "$2"'
    layout = '100.0% CPU use with 1 MPI tasks x 1 OpenMP threads'
    stack.replace(
        _lmp(stack),
        f'#!{shell}\n[ "$1" != -h ] || exec echo Installed packages: MOLECULE\n'
        f'{{ {nonce}; echo "{layout}"; echo "Total wall time: 0:00:01"; }} >"$4"\n',
    )


def _crash_after_result(stack: Tampering) -> None:
    stack.wrap(_lmp(stack), after='case "$*" in *melt.in*) kill -SEGV $$;; esac')


def _status_after_success(stack: Tampering) -> None:
    stack.wrap(_lmp(stack), after='case "$*" in *melt.in*) status=3;; esac')


def _change_log(stack: Tampering, run: str, command: str) -> None:
    """Let a sound run be followed by a change of its log."""
    stack.wrap(_lmp(stack), after=f'case "$*" in *{run}.in*) {command};; esac')


def _with_openmp(stack: Tampering, change: str) -> None:
    """Stand in for a LAMMPS with OPENMP: the local stack's has none, so its plain styles run.

    What ``change`` does to the log then decides whether the run is believed.
    """
    awk = '/^ *Step /{on=1;print;next} /^Loop time/{on=0} on{$3=sprintf("%.15g",$3*factor)} {print}'
    stack.wrap(
        _lmp(stack),
        call=(
            'case "$*" in\n'
            '-h) "$real" -h | sed "s/^KSPACE /OPENMP KSPACE /";;\n'
            '*threaded.log*) "$real" -in exact.in -log threaded.log -screen none\n'
            f"scale() {{ awk -v factor=$1 '{awk}' threaded.log >new.log\n"
            f'mv new.log threaded.log; }}\n{change} threaded.log;;\n'
            '*) "$real" "$@";; esac'
        ),
    )


#: What the log of a run by OPENMP says besides.
_OPENMP_SAYS = "sed -i -e 's/x 1 OpenMP/x 2 OpenMP/' -e 's,lj/cut,&/omp,'"


def _openmp_not_threaded(stack: Tampering) -> None:
    _with_openmp(stack, 'true')


def _openmp_not_used(stack: Tampering) -> None:
    _with_openmp(stack, "sed -i 's/x 1 OpenMP/x 2 OpenMP/'")


def _openmp_wrong(stack: Tampering) -> None:
    _with_openmp(stack, f'scale 1.0000001; {_OPENMP_SAYS}')


def _openmp_not_built(stack: Tampering) -> None:
    """Leave the real program alone, but for the package that it lists."""
    listed = '"$real" -h | sed "s/^KSPACE /OPENMP KSPACE /"'
    stack.wrap(_lmp(stack), call=f'case "$*" in -h) {listed};; *) "$real" "$@";; esac')


def _scale_energies(stack: Tampering, run: str, factor: float) -> None:
    """Multiply potential energies (third column) and, where printed, the total (fifth)."""
    rows = f'$3=sprintf("%.15g",$3*{factor!r})'
    if run == 'melt':
        rows += ';$5=sprintf("%.15g",$3+$4)'
    awk = f"awk '/^ *Step /{{on=1;print;next}} /^Loop time/{{on=0}} on{{{rows}}} {{print}}'"
    _change_log(stack, run, f'{awk} {run}.log >new.log && mv new.log {run}.log')


def _wrong_energies(stack: Tampering) -> None:
    _scale_energies(stack, 'melt', 1.001)


def _slightly_wrong_energies(stack: Tampering) -> None:
    _scale_energies(stack, 'exact', 1 + 1e-7)


def _not_a_number(stack: Tampering) -> None:
    awk = """awk '/^ *2000 /{$3="nan"} {print}' melt.log >new.log && mv new.log melt.log"""
    _change_log(stack, 'melt', awk)


def _truncated_log(stack: Tampering) -> None:
    _change_log(stack, 'melt', 'truncate -s -30 melt.log')


def _change_input(stack: Tampering, run: str, old: str, new: str) -> None:
    """Make LAMMPS compute something else than it was asked for: a subtly wrong build."""
    change = f'sed "s|{old}|{new}|" {run}.in >{run}.changed'
    call = f'case "$*" in *{run}.in*) {change}; "$real" -in {run}.changed "${{@:3}}";; '
    stack.wrap(_lmp(stack), call=call + '*) "$real" "$@";; esac')


def _other_cut_off(stack: Tampering) -> None:
    _change_input(stack, 'exact', 'lj/cut 2.5', 'lj/cut 2.499')


def _other_time_step(stack: Tampering) -> None:
    _change_input(stack, 'melt', 'timestep 0.004', 'timestep 0.008')


def _recorded_log(stack: Tampering) -> None:
    """Play the logs of an earlier, sound run back."""
    recorded = stack.recorded()
    log = '"$(basename "$4")"'
    call = f'[ "$1" != -h ] || exec "$real" -h\ncat {recorded}/{log} >{log}'
    stack.wrap(_lmp(stack), call=call)


def _fewer_ranks(stack: Tampering) -> None:
    stack.wrap(stack.installation('OpenMPI') / 'bin' / 'mpirun', call='shift 2; "$real" -np 1 "$@"')


def _missing_data(stack: Tampering) -> None:
    """Lose the data file of the exact run on the way."""
    stack.wrap(_lmp(stack), before='rm -f exact.data')


def _missing_library(stack: Tampering) -> None:
    stack.remove(next(stack.installation('LAMMPS').rglob('liblammps.so.0')))


FAULTS = (
    Fault('stub that prints success', _stub, r'did not write exact\.log', ONE_RANK),
    Fault('stub that writes logs', _stub_with_logs, r'no thermodynamic output', ONE_RANK),
    Fault('crash after the result', _crash_after_result, r'signal 11|SIGSEGV', ONE_RANK),
    Fault('non-zero status after success', _status_after_success, r'exit status 3', ONE_RANK),
    Fault('energies off by 1e-3', _wrong_energies, r'starting crystal is .*0\.001', ONE_RANK),
    Fault(
        'energies off by 1e-7',
        _slightly_wrong_energies,
        r'potential energy at step 0 of the exact trajectory is .*1e-07',
        ONE_RANK,
    ),
    Fault('energy that is not a number', _not_a_number, r'\bnan\b', ONE_RANK),
    Fault('truncated log', _truncated_log, r'melt\.log is cut short', ONE_RANK),
    Fault('other cut-off', _other_cut_off, r'potential energy at step 0 of the exact', ONE_RANK),
    Fault('other time step', _other_time_step, r'change of the total energy per atom', ONE_RANK),
    Fault('recorded logs played back', _recorded_log, r"not reflect this run's nonce", ONE_RANK),
    Fault('fewer ranks than asked', _fewer_ranks, r'reports 1 rank.*asked for 2 x 1', TWO_RANKS),
    Fault('OPENMP listed only', _openmp_not_built, r'ERROR.*OPENMP', ONE_RANK),
    Fault('OPENMP: one thread', _openmp_not_threaded, r'1 thread\(s\), asked for 1 x 2', ONE_RANK),
    Fault('OPENMP: not used', _openmp_not_used, r'does not say that lj/cut/omp', ONE_RANK),
    Fault(
        'OPENMP: off by 1e-7', _openmp_wrong, r'threaded\.log: potential energy .*1e-07', ONE_RANK
    ),
    Fault('missing data file', _missing_data, r'ERROR.*exact\.data', ONE_RANK),
    Fault('missing library', _missing_library, r'dynamic loader: .*liblammps\.so\.0', ONE_RANK),
)

APPLICATION = Application(
    'LAMMPS',
    'full',
    FAULTS,
    sound=(ONE_RANK,),
    recorded=('exact.log', 'melt.log'),
)
