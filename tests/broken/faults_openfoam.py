"""Faults of OpenFOAM: what is broken, and what the verdict must say about it."""

from __future__ import annotations

from pathlib import Path

from faults import Application, Fault
from tampering import Tampering

CAVITY = ('--test', 'EESSI_OpenFOAM_LidDrivenCavity')
SERIAL = (*CAVITY, '--scale', 'cores_1')
PARALLEL = (*CAVITY, '--scale', 'cores_2')


def _solver(stack: Tampering) -> Path:
    return stack.installation('OpenFOAM') / 'bin' / 'icoFoam'


def _stub(stack: Tampering) -> None:
    lines = (
        f'#!{stack.compat / "usr/bin/bash"}',
        'echo "nProcs : 1"',
        'echo "Time = 0.1"',
        'echo "time step continuity errors : sum local = 0, global = 0, cumulative = 0"',
        'echo "ExecutionTime = 0.02 s  ClockTime = 0 s"',
        'echo End',
    )
    stack.replace(_solver(stack), '\n'.join(lines) + '\n')


def _silent_stub(stack: Tampering) -> None:
    stack.replace(_solver(stack), f'#!{stack.compat / "usr/bin/bash"}\nexit 0\n')


def _around_run(stack: Tampering, before: str = '', after: str = '') -> None:
    """Do something before or after the measured run, in its case directory."""
    in_run = 'case "$*" in *"-case run"*) (cd run && {}) ;; esac'
    stack.wrap(
        _solver(stack),
        before=in_run.format(before) if before else '',
        after=in_run.format(after) if after else '',
    )


def _crash_after_result(stack: Tampering) -> None:
    stack.wrap(_solver(stack), after='case "$*" in *"-case run"*) kill -SEGV $$;; esac')


def _status_after_success(stack: Tampering) -> None:
    stack.wrap(_solver(stack), after='case "$*" in *"-case run"*) status=3;; esac')


#: Multiplies every velocity inside the cavity by a factor, in the only folder that is named by a
#: time other than 0; the boundary, and all that names the run, stays.
_SCALE_VELOCITIES = (
    """f=$(ls -d [0-9]*.*)/U; awk -v s=FACTOR '/^\\(-?[0-9]/ {gsub(/[()]/, ""); """
    """printf "(%.14g %.14g %.14g)\\n", $1 * s, $2 * s, $3 * s; next} {print}' $f >U.new """
    '&& mv U.new $f'
)


def _velocities_off(stack: Tampering) -> None:
    _around_run(stack, after=_SCALE_VELOCITIES.replace('FACTOR', '1.001'))


def _not_a_number(stack: Tampering) -> None:
    _around_run(stack, after="sed -i '/^(-*[0-9]/s/ .* / nan /' $(ls -d [0-9]*.*)/U")


def _viscosity_off(stack: Tampering) -> None:
    """Solve for Re = 99.5: by Ghia's table nobody would see it."""
    _around_run(
        stack,
        before=(
            """for f in constant/*Properties; do awk '/^nu/ {printf "%s %s %s %s %s %s %s %s """
            """%.15g;\\n", $1, $2, $3, $4, $5, $6, $7, $8, $9 * 1.005; next} {print}' $f >nu.new """
            '&& mv nu.new $f; done'
        ),
    )


def _other_scheme(stack: Tampering) -> None:
    """Upwind in place of central differences: a smooth, converged, slightly wrong flow."""
    _around_run(
        stack, before="sed -i 's/div(phi,U) Gauss linear/div(phi,U) Gauss upwind/' system/*"
    )


def _stops_early(stack: Tampering) -> None:
    """Stop after half of the steps, long after the eye sees no change."""
    _around_run(
        stack,
        before=(
            """awk '/^endTime/ {printf "endTime %.15g;\\n", $2 / 2; next} """
            """/^writeInterval/ {print "writeInterval 50;"; next} {print}' """
            'system/controlDict >c.new && mv c.new system/controlDict'
        ),
    )


def _truncated_field(stack: Tampering) -> None:
    _around_run(stack, after='truncate -s -30000 $(ls -d [0-9]*.*)/U')


def _missing_data(stack: Tampering) -> None:
    stack.remove(stack.installation('OpenFOAM') / 'share' / 'openfoam' / 'etc' / 'controlDict')


def _missing_library(stack: Tampering) -> None:
    folder = stack.installation('OpenFOAM') / 'lib'
    stack.remove(next(p for p in sorted(folder.rglob('libfiniteVolume.so*')) if p.is_file()))


def _recorded(stack: Tampering) -> None:
    """Play an earlier, sound run back: its log, its fields."""
    recorded = stack.recorded()
    stack.wrap(
        _solver(stack),
        call=(
            f'case "$*" in *"-case run"*) cp -r {recorded}/run . ; cat {recorded}/rfm_job.out ;; '
            '*) "$real" "$@";; esac'
        ),
    )


def _one_process(stack: Tampering) -> None:
    """Let mpirun start the solver once and undecomposed: the flow is right, the layout is not."""
    stack.wrap(
        stack.installation('OpenMPI') / 'bin' / 'mpirun',
        call='shift 2; arguments=("${@//-parallel/}"); "$real" -np 1 ${arguments[@]}',
    )


_MOMENTUM = r'momentum imbalance of a cell \(run\) is'

FAULTS = (
    Fault('stub that prints success', _stub, r"does not reflect this run's nonce", SERIAL),
    Fault('stub that does nothing', _silent_stub, r'shows no time step', SERIAL),
    Fault('crash after the result', _crash_after_result, r'signal 11|SIGSEGV', SERIAL),
    Fault('non-zero status after success', _status_after_success, r'exit status 3', SERIAL),
    Fault('velocities off by 1e-3', _velocities_off, _MOMENTUM, SERIAL),
    Fault('velocities that are not numbers', _not_a_number, r'not finite', SERIAL),
    Fault('viscosity off by 0.5 %', _viscosity_off, _MOMENTUM, SERIAL),
    Fault('another convection scheme', _other_scheme, _MOMENTUM, SERIAL),
    Fault('stopped half way', _stops_early, r'has 100 steps to .* s, not 200', SERIAL),
    Fault('truncated field', _truncated_field, r'cut short', SERIAL),
    Fault('missing data file', _missing_data, r'controlDict', SERIAL),
    Fault('missing library', _missing_library, r'dynamic loader: .*libfiniteVolume', SERIAL),
    Fault('recorded run played back', _recorded, r"does not reflect this run's nonce", SERIAL),
    Fault('fewer ranks than asked', _one_process, r'reports nProcs 1, asked for 2', PARALLEL),
)

APPLICATION = Application(
    'OpenFOAM',
    'full',
    FAULTS,
    sound=(SERIAL, PARALLEL),
    recorded=('rfm_job.out', 'run'),
)
