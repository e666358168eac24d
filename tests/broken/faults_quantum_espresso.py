"""Ways to break Quantum ESPRESSO, and what the verdict must say about each."""

from __future__ import annotations

from pathlib import Path

from faults import Application, Fault
from tampering import Tampering

TEST = 'EESSI_QuantumESPRESSO_Silicon'
ONE_RANK = ('--test', TEST, '--scale', 'cores_1')
TWO_RANKS = ('--test', TEST, '--scale', 'cores_2')


def _pw(stack: Tampering) -> Path:
    return stack.installation('QuantumESPRESSO') / 'bin' / 'pw.x'


def _pseudopotential(stack: Tampering) -> Path:
    return stack.installation('QuantumESPRESSO') / 'share/espresso/pseudo/Si.pz-vbc.UPF'


def _stub(stack: Tampering) -> None:
    stack.replace(_pw(stack), f'#!{stack.compat / "usr/bin/bash"}\necho "   JOB DONE."\n')


def _detailed_stub(stack: Tampering) -> None:
    """Print the banner, the right title and a plausible energy, and the words of success."""
    shell = stack.compat / 'usr/bin/bash'
    stack.replace(
        _pw(stack),
        f"""#!{shell}
title=$(sed -n "s/.*title = '\\\\([^']*\\\\)'.*/\\\\1/p" "$4")
lattice=$(sed -n 's/.*celldm(1) = \\([0-9.]*\\),.*/\\1/p' "$4")
printf '     Program PWSCF v.6.7MaX starts\\n'
printf '     Parallel version (MPI), running on 1 processors\\n'
printf '     Title: \\n     %s\\n     celldm(1)= %s\\n' "$title" "$lattice"
printf '     kinetic-energy cutoff     =  23.0  Ry\\n     number of k points=   112\\n'
printf '!    total energy              =     -15.84922271 Ry\\n   JOB DONE.\\n'
""",
    )


def _crash_after_result(stack: Tampering) -> None:
    stack.wrap(_pw(stack), after='case "$*" in *silicon-3*) kill -SEGV $$;; esac')


def _status_after_success(stack: Tampering) -> None:
    stack.wrap(_pw(stack), after='case "$*" in *silicon-3*) status=3;; esac')


def _filter(stack: Tampering, command: str) -> None:
    """Let what pw.x prints pass through a command."""
    stack.wrap(_pw(stack), before='set -o pipefail', call=f'"$real" "$@" | {command}')


def _shift_energy(stack: Tampering, shift: str) -> None:
    """Change the total energy and one of its parts alike, so that they still add up."""
    total, part = ('total energy', 5), ('one-electron contribution', 4)
    awk = ' '.join(
        f'/^{mark} +{name} +=/{{printf "{mark} {name} = %.8f Ry\\n", ${column}{shift}; next}}'
        for mark, (name, column) in (('!', total), (' ', part))
    )
    awk += ' {print}'
    _filter(stack, f"awk '{awk}'")


def _wrong_energy(stack: Tampering) -> None:
    _shift_energy(stack, '-0.0158')


def _slightly_wrong_energy(stack: Tampering) -> None:
    _shift_energy(stack, '-0.00002')


def _wrong_stress(stack: Tampering) -> None:
    """Change the last digits of one diagonal element of the stress."""
    awk = '/total +stress/{row=NR+1} NR==row{$1=sprintf("   %.8f",$1+0.0000004)} {print}'
    _filter(stack, f"awk '{awk}'")


def _change_input(stack: Tampering, old: str, new: str) -> None:
    """Make pw.x compute something else than it was asked for: a subtly wrong build."""
    stack.wrap(
        _pw(stack),
        call=f'sed "s|{old}|{new}|" "$4" >"$4.changed"; "$real" "$1" "$2" "$3" "$4.changed"',
    )


def _moved_atom(stack: Tampering) -> None:
    """Move an atom by 0.003 bohr: the total energy rises by 2e-6 Ry, within its tolerance."""
    _change_input(stack, 'Si 0.25 0.25', 'Si 0.2503 0.25')


def _smaller_basis(stack: Tampering) -> None:
    _change_input(stack, 'ecutwfc = 2', 'ecutwfc = 1')


def _early_end(stack: Tampering) -> None:
    """Stop long before self-consistency, and say that it was reached."""
    _change_input(stack, 'conv_thr = 1.0d-12', 'conv_thr = 1.0d-2')


def _truncated_output(stack: Tampering) -> None:
    _filter(stack, "sed '/JOB DONE/,$d'")


def _recorded_output(stack: Tampering) -> None:
    recorded = stack.recorded()
    stack.wrap(_pw(stack), call=f'cat {recorded}/"$(basename "$4" .in).out"')


def _fewer_ranks(stack: Tampering) -> None:
    """Start one process; without its options, pools would not fit."""
    stack.wrap(
        stack.installation('OpenMPI') / 'bin' / 'mpirun',
        call='shift 2; "$real" -np 1 "$1" -nk 1 "${@:4}"',
    )


def _missing_pseudopotential(stack: Tampering) -> None:
    stack.remove(_pseudopotential(stack))


def _folder_of_pseudopotentials_missing(stack: Tampering) -> None:
    """Lose the folder that the module names: not what an installation without any looks like."""
    stack.remove(_pseudopotential(stack).parent)


def programs_only(stack: Tampering) -> None:
    """Make it an installation of programs alone, as EasyBuild's are: sound."""
    stack.remove(_pseudopotential(stack).parents[1])
    stack.edit(
        stack.module_file('QuantumESPRESSO'),
        lambda text: ''.join(s for s in text.splitlines(True) if 'ESPRESSO_PSEUDO' not in s),
    )


def _wrong_energy_of_the_model(stack: Tampering) -> None:
    programs_only(stack)
    _slightly_wrong_energy(stack)


def _truncated_pseudopotential(stack: Tampering) -> None:
    path = _pseudopotential(stack)
    stack.replace(path, path.read_bytes()[:9000], mode=0o644)


def _wrong_pseudopotential(stack: Tampering) -> None:
    """Weaken the projector of s electrons by 1e-4."""
    stack.edit(_pseudopotential(stack), lambda text: _scaled(text, '1.523885', 0.9999))


def _scaled(text: str, start: str, factor: float) -> str:
    """Multiply the number of the text that begins with ``start``."""
    at = text.index(start, text.index('<PP_DIJ'))
    number = text[at:].split()[0]
    return text[:at] + f'{float(number) * factor:.15e}' + text[at + len(number) :]


def _missing_library(stack: Tampering) -> None:
    stack.remove(next(stack.installation('FFTW').rglob('libfftw3.so.3')))


FAULTS = (
    Fault('stub that prints JOB DONE', _stub, r'silicon-0\.out: the output has no', ONE_RANK),
    Fault('stub that prints an energy', _detailed_stub, r'self-consistency|k-points', ONE_RANK),
    Fault('crash after the result', _crash_after_result, r'signal 11|SIGSEGV', ONE_RANK),
    Fault('non-zero status after success', _status_after_success, r'exit status 3', ONE_RANK),
    Fault(
        'energy off by 1e-3', _wrong_energy, r'total energy of silicon-0.*off by -0\.016', ONE_RANK
    ),
    Fault('energy off by 1e-6', _slightly_wrong_energy, r'total energy.*off by -2e-05', ONE_RANK),
    Fault('stress off in its last digits', _wrong_stress, r'pressure|stress xx', ONE_RANK),
    Fault('atom moved by 0.003 bohr', _moved_atom, r'Ewald energy|force on atom', ONE_RANK),
    Fault('smaller basis than asked', _smaller_basis, r'cut-off of silicon-3\.out', ONE_RANK),
    Fault('ends before self-consistency', _early_end, r'total energy of silicon', ONE_RANK),
    Fault('truncated output', _truncated_output, r'silicon-0\.out is cut short', ONE_RANK),
    Fault('recorded output played back', _recorded_output, r"this run's nonce", ONE_RANK),
    Fault('fewer ranks than asked', _fewer_ranks, r'reports 1 rank.*asked for 2 x 1', TWO_RANKS),
    Fault('missing data file', _missing_pseudopotential, r'`cp .*Si\.pz-vbc\.UPF', ONE_RANK),
    Fault(
        'missing folder of data',
        _folder_of_pseudopotentials_missing,
        r'`cp .*Si\.pz-vbc\.UPF',
        ONE_RANK,
    ),
    Fault(
        'programs only, energy off by 1e-6',
        _wrong_energy_of_the_model,
        r'total energy of silicon-0\.out is .*expected -1[67]\.',
        ONE_RANK,
    ),
    Fault('truncated data file', _truncated_pseudopotential, r'exit status|Error|pw\.x', ONE_RANK),
    Fault('data file off by 1e-4', _wrong_pseudopotential, r'total energy of silicon-0', ONE_RANK),
    Fault('missing library', _missing_library, r'dynamic loader: .*libfftw3\.so\.3', ONE_RANK),
)

APPLICATION = Application(
    'Quantum ESPRESSO',
    'full',
    FAULTS,
    sound=(ONE_RANK,),
    recorded=tuple(f'silicon-{step}.out' for step in range(4)),
)
