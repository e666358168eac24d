"""Ways to break a Python program of a stack that writes JSON; the faults of several modules."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tampering import Tampering

Apply = Callable[[Tampering], None]
_RANK = '${OMPI_COMM_WORLD_RANK:-0}'


def python(stack: Tampering) -> Path:
    """The interpreter that the modules bring."""
    return stack.installation('Python') / 'bin' / 'python3'


def site(stack: Tampering, software: str) -> Path:
    """Where an installation keeps its Python packages."""
    (found,) = stack.installation(software).glob('lib/python3.*/site-packages')
    return found


def stub(said: str) -> Apply:
    """Print success instead of running anything."""

    def apply(stack: Tampering) -> None:
        shell = stack.compat / 'usr/bin/bash'
        stack.replace(python(stack), f'#!{shell}\necho "{said}"\n')

    return apply


def _of_program(program: str, command: str, rank: int | None) -> str:
    """`command`, only after the program of the test and on one rank (None: on all)."""
    guard = '' if rank is None else f'[ "{_RANK}" != {rank} ] || '
    return f'case "$*" in *{program}*) {guard}{{ {command}; }};; esac'


def crash_after_result(program: str, rank: int | None = None) -> Apply:
    """Die of a signal when the work is done."""
    return lambda stack: stack.wrap(
        python(stack), after=_of_program(program, 'kill -SEGV $$', rank)
    )


def status_after_result(program: str, rank: int | None = None) -> Apply:
    """End with status 3 when the work is done."""
    return lambda stack: stack.wrap(python(stack), after=_of_program(program, 'status=3', rank))


def change(program: str, file: str, code: str, rank: int | None = None) -> Apply:
    """Let a sound run be followed by a change of what it wrote, ``r``."""
    text = f'import json; r = json.load(open("{file}")); {code}; json.dump(r, open("{file}", "w"))'
    command = f'[ $status != 0 ] || "$real" -c \'{text}\''
    return lambda stack: stack.wrap(python(stack), after=_of_program(program, command, rank))


def drop(program: str, file: str, rank: int) -> Apply:
    """Let a rank's result be lost."""
    return lambda stack: stack.wrap(python(stack), after=_of_program(program, f'rm {file}', rank))


def played_back(file: str, given: str, *, nonce: bool = False) -> Apply:
    """Answer every run after the first with what the first wrote; `nonce`: with the nonce of now.

    `given` is the file that holds the nonce. Use with ``--repeat 2``.
    """

    def apply(stack: Tampering) -> None:
        store = stack.directory('played-back') / _RANK
        here = file.replace('RANK', _RANK)
        own = f'$(grep -oE "\\"nonce\\": \\"[0-9a-f]+\\"" {given} | head -n 1)'
        copy = f'cp "{store}" {here}'
        if nonce:
            copy = f'sed -E "s/\\"nonce\\": \\"[0-9a-f]+\\"/{own}/" "{store}" >{here}'
        stack.wrap(
            python(stack),
            call=f'if [ -f "{store}" ]; then {copy}; '
            f'else "$real" "$@" && {{ [ ! -f {here} ] || cp {here} "{store}"; }}; fi',
        )

    return apply


def edit(software: str, file: str, old: str, new: str) -> Apply:
    """Change the source of a sound module; Python compiles it anew."""

    def apply(stack: Tampering) -> None:
        path = site(stack, software) / file
        if old not in path.read_text(encoding='utf-8'):
            raise RuntimeError(f'{file} has no {old!r}: this fault needs another place')
        _change_source(stack, path, lambda text: text.replace(old, new))

    return apply


def append(software: str, file: str, lines: str) -> Apply:
    """Add lines to a sound module, which replace something of it."""

    def apply(stack: Tampering) -> None:
        path = site(stack, software) / file
        _change_source(stack, path, lambda text: f'{text}\n\n{lines}\n')

    return apply


def _change_source(stack: Tampering, path: Path, how: Callable[[str], str]) -> None:
    for code in path.parent.glob(f'__pycache__/{path.stem}.*.pyc'):
        stack.remove(code)
    stack.edit(path, how)


def missing(software: str, pattern: str) -> Apply:
    """Take a file of the Python packages away."""

    def apply(stack: Tampering) -> None:
        stack.remove(next(iter(sorted(site(stack, software).glob(pattern)))))

    return apply


def one_rank_only(stack: Tampering) -> None:
    """Start one process whatever was asked for."""
    mpirun = stack.installation('OpenMPI') / 'bin' / 'mpirun'
    stack.wrap(mpirun, call='shift 2; "$real" -np 1 "$@"')
