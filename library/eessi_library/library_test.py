"""The base of every library test: it runs cleanly, it is replay-proof, and it measures."""

from __future__ import annotations

import os
from pathlib import Path
from typing import ClassVar

import reframe as rfm
from reframe.core.backends import getlauncher
from reframe.core.builtins import run_after, run_before, variable
from reframe.core.exceptions import SanityError
from reframe.core.runtime import runtime

from eessi_library.diagnosis import END_MARKER, ERROR_TRAP, LOGGED, comes_from, guarded, unclean_end
from eessi_library.expect import expect
from eessi_library.nonce import draw_nonce

#: Launchers that an MPI brings; others are the scheduler's.
_OF_MPI = ('mpirun', 'mpiexec')


class LibraryTest(rfm.RunOnlyRegressionTest, pin_prefix=True):
    """What all library tests share; abstract.

    A subclass states its :attr:`truths` and :attr:`directions`, generates its input in
    ``run_before('run')`` hooks, and begins its sanity function with :meth:`expect_clean_end`.
    """

    #: Makes each run's output differ in a way that can be predicted: drawn afresh if empty.
    nonce = variable(str, value='', loggable=True)

    #: Directory that the program under test must come from; '' accepts any place.
    program_root = variable(str, value='')

    #: What the nonce varies and the output must reflect; stated by each library test.
    varies: ClassVar[str] = ''

    #: Independent truths: name -> source or derivation; stated by each library test.
    truths: ClassVar[dict[str, str]] = {}

    #: Performance variable -> ``higher`` or ``lower`` is better, or ``truth``.
    directions: ClassVar[dict[str, str]] = {}

    #: ``functional`` cases may run side by side, ``performance`` cases run alone.
    kind: ClassVar[str] = 'performance'

    #: Whether the main command goes through the partition's launcher (``mpirun``, ``srun``).
    launched: ClassVar[bool] = True

    #: Fewest and most tasks that the programs run with, whatever the scale; None: no limit.
    fewest_tasks: ClassVar[int] = 1
    most_tasks: ClassVar[int | None] = None

    @run_after('setup')
    def leave_out_the_launcher(self) -> None:
        """Start the main command directly where a launcher means nothing."""
        if not self.launched:
            self.job.launcher = getlauncher('local')()

    @run_before('run')
    def fix_nonce(self) -> None:
        """Draw the nonce of this run unless one was given."""
        if not self.nonce:
            self.nonce = draw_nonce()

    @run_before('run')
    def leave_out_packages_of_the_user(self) -> None:
        """Keep a user's own Python and R packages from standing in for those of the stack."""
        self.env_vars['PYTHONNOUSERSITE'] = '1'
        self.env_vars['R_LIBS_USER'] = '/nonexistent'

    @run_before('run', always_last=True)
    def stop_at_the_first_failure(self) -> None:
        """Make the script fail with its first failing command, and say so when it did not.

        The end marker is printed under every scheduler, also under those that do not report an
        exit status. Modules are loaded here, under the same guard, when ReFrame has no module
        system of its own; otherwise ReFrame has loaded them, and that is checked.
        """
        guards = ['set -eo pipefail', ERROR_TRAP, LOGGED]
        names = [m if isinstance(m, str) else m['name'] for m in self.modules]
        if runtime().modules_system.name == 'nomod':
            guards += [guarded(f'module load {name}') for name in names]
            self.modules = []
        guards += [guarded(f'module is-loaded {name}') for name in names]
        if self.program_root:
            guards += [comes_from(name, self.program_root) for name in self._programs_started()]
        self.prerun_cmds = [*guards, *self.prerun_cmds]
        self.postrun_cmds = [*self.postrun_cmds, f'echo "{END_MARKER} {self.nonce}"']

    def _programs_started(self) -> list[str]:
        """Return what PATH finds: the main command, and a launcher that belongs to an MPI."""
        launcher = self.job.launcher.registered_name
        names = [launcher] if launcher in _OF_MPI else []
        return names + ([self.executable] if self.executable and '/' not in self.executable else [])

    def expect_clean_end(self) -> None:
        """Fail with the fault's own message unless every command of the job ended with status 0."""
        output = self.read_output(str(self.stdout)) + '\n' + self.read_output(str(self.stderr))
        sentence = unclean_end(
            output=output,
            exit_code=self.job.exitcode,
            signal=getattr(self.job, 'signal', None),
            nonce=self.nonce,
        )
        if sentence is not None:
            said = self.last_words(output)
            raise SanityError(sentence if said in (None, sentence) else f'{said}; {sentence}')

    def expect_nonce(self, name: str, found: str) -> None:
        """Fail unless what `name` repeats is the nonce of this run."""
        expect(
            found == self.nonce,
            f"{name} does not reflect this run's nonce: it has {found or 'none'}, "
            f'not {self.nonce} (recorded or foreign)',
        )

    def last_words(self, output: str) -> str | None:
        """Return what the program itself says about its failure; None: nothing more is known."""
        return None

    def write(self, name: str, text: str) -> None:
        """Write an input file into the stage directory."""
        Path(self.stagedir, name).write_text(text, encoding='utf-8')

    def read_output(self, name: str) -> str:
        """Return the text of a file of the stage directory; '' if the run did not write it."""
        path = os.path.join(self.stagedir, name)
        if not os.path.exists(path):
            return ''
        return Path(path).read_text(encoding='utf-8', errors='replace')

    def require_output(self, name: str) -> str:
        """Return the text of a file that the run must have written, or fail."""
        text = self.read_output(name)
        expect(bool(text.strip()), f'the run did not write {name}')
        return text

    def on_all_tasks(self, command: str) -> str:
        """Return ``command`` run by this partition's launcher, for use in ``prerun_cmds``."""
        # ReFrame hands these to the job only when it composes the main command, after this hook.
        self.job.num_tasks = self.num_tasks
        self.job.num_tasks_per_node = self.num_tasks_per_node
        self.job.num_cpus_per_task = self.num_cpus_per_task
        return f'{self.job.launcher.run_command(self.job)} {command}'.strip()
