"""Ways to break IPython, and what the verdict must say about each."""

from __future__ import annotations

from pathlib import Path

from faults import Application, Fault
from tampering import Tampering

IPYTHON = ('--test', 'EESSI_IPython_ScriptedSession', '--scale', 'cores_1')


def _program(stack: Tampering) -> Path:
    return stack.installation('IPython') / 'bin' / 'ipython3'


def _module(stack: Tampering, name: str) -> Path:
    return stack.installation('IPython') / 'lib/python3/dist-packages' / name


def _stub(stack: Tampering) -> None:
    stack.replace(_program(stack), f'#!{stack.compat / "usr/bin/bash"}\necho "All tests passed"\n')


def _stub_with_prompts(stack: Tampering) -> None:
    """Print a prompt with a number for every line of the session, without computing anything."""
    loop = 'n=0; while read -r line; do n=$((n + 1)); echo "In [$n]: Out[$n]: 1"; done'
    stack.replace(_program(stack), f'#!{stack.compat / "usr/bin/bash"}\n{loop}\n')


def _crash_after_result(stack: Tampering) -> None:
    stack.wrap(_program(stack), after='kill -SEGV $$')


def _wrong_number(stack: Tampering) -> None:
    """Multiply one displayed number by 1.001."""
    stack.wrap(
        _program(stack),
        call='"$real" "$@" | awk \'/Out\\[3\\]: /{$NF=sprintf("%.0f",$NF*1.001)} {print}\'',
    )


def _played_back(stack: Tampering) -> None:
    """Answer every run after the first with the transcript of the first."""
    store = stack.directory('played-back') / 'transcript'
    stack.wrap(
        _program(stack),
        # Functional cases run side by side: the second waits for the first.
        before=f'exec 9>{store}.lock; flock 9',
        call=f'if [ -f {store} ]; then cat {store}; else "$real" "$@" | tee {store}; fi',
    )


def _cut_short(stack: Tampering) -> None:
    stack.wrap(_program(stack), call='"$real" "$@" | head -n 20; status=0; exit 0')


def _missing_dependency(stack: Tampering) -> None:
    stack.remove(_module(stack, 'traitlets'))


def _no_completion(stack: Tampering) -> None:
    stack.edit(
        _module(stack, 'IPython/core/interactiveshell.py'),
        lambda t: (
            t.replace('def complete(self, text,', 'def complete_never(self, text,')
            + '\nInteractiveShell.complete = lambda self, *a, **k: ("", [])\n'
        ),
    )


def _no_rich_display(stack: Tampering) -> None:
    stack.edit(
        _module(stack, 'IPython/core/formatters.py'),
        lambda t: t.replace("ObjectName('_repr_html_')", "ObjectName('_repr_none_')"),
    )


def _silent_errors(stack: Tampering) -> None:
    stack.edit(
        _module(stack, 'IPython/core/interactiveshell.py'),
        lambda t: t + '\nInteractiveShell.showtraceback = lambda self, *a, **k: None\n',
    )


def _magics_missing(stack: Tampering) -> None:
    stack.remove(_module(stack, 'IPython/core/magics/execution.py'))


def _kernel_without_messages(stack: Tampering) -> None:
    stack.remove(_module(stack, 'zmq'))


def _kernel_taken_away(stack: Tampering) -> None:
    """Lose the package; its metadata still name it."""
    stack.remove(_module(stack, 'ipykernel'))


def _client_taken_away(stack: Tampering) -> None:
    stack.remove(_module(stack, 'jupyter_client'))


def _kernel_does_not_start(stack: Tampering) -> None:
    stack.edit(_module(stack, 'ipykernel/kernelapp.py'), lambda t: 'import sys; sys.exit(3)\n' + t)


def _kernel_completes_nothing(stack: Tampering) -> None:
    stack.edit(
        _module(stack, 'ipykernel/ipkernel.py'),
        lambda t: (
            t + '\nIPythonKernel._experimental_completions_key = ""\n'
            'IPythonKernel.do_complete = lambda self, code, pos: dict(matches=[], cursor_end=pos, '
            'cursor_start=pos, metadata={}, status="ok")\n'
        ),
    )


FAULTS = (
    Fault('stub that prints success', _stub, r'no IPython session', IPYTHON),
    Fault('stub with prompts', _stub_with_prompts, r"reflect this run's nonce", IPYTHON),
    Fault('crash after the result', _crash_after_result, r'signal 11|SIGSEGV', IPYTHON),
    Fault('number off by 1e-3', _wrong_number, r'cell 3 \(last result\) answers', IPYTHON),
    Fault('transcript cut short', _cut_short, r"reflect this run's nonce|never asked", IPYTHON),
    Fault('missing dependency', _missing_dependency, r"No module named 'traitlets'", IPYTHON),
    Fault('completion broken', _no_completion, r'cell 21 \(completion\) answers', IPYTHON),
    Fault('rich display broken', _no_rich_display, r'\(rich representation\) answers', IPYTHON),
    Fault('errors swallowed', _silent_errors, r'\(error traceback\) answers', IPYTHON),
    Fault('magics missing', _magics_missing, r'IPython\.core\.magics\.execution', IPYTHON),
    Fault('kernel: no messages', _kernel_without_messages, r'\(kernel\) answers .*zmq', IPYTHON),
    Fault('kernel: taken away', _kernel_taken_away, r'\(kernel\) answers .*[Kk]ernel', IPYTHON),
    Fault('kernel: no client', _client_taken_away, r'\(kernel\) answers .*jupyter_cl', IPYTHON),
    Fault('kernel: dies', _kernel_does_not_start, r'\(kernel\) answers .*died', IPYTHON),
    Fault('kernel: no completion', _kernel_completes_nothing, r'\(kernel\) answers', IPYTHON),
    Fault(
        'recorded transcript played back',
        _played_back,
        r"reflect this run's nonce",
        (*IPYTHON, '--repeat', '2'),
    ),
)

APPLICATION = Application(
    'IPython',
    'full',
    FAULTS,
    sound=(IPYTHON,),
)
