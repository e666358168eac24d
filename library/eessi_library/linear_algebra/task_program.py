"""Tests whose program computes what a task asks, and whose class judges the result."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from reframe.core.builtins import run_before, sanity_function
from reframe.core.exceptions import SanityError

from eessi_library.linear_algebra.result import ResultError, read_result
from eessi_library.python_program import PythonProgramTest


class TaskProgramTest(PythonProgramTest, pin_prefix=True):
    """What these tests share; abstract. The program lies in this directory and judges nothing.

    A subclass names its :attr:`program` and :attr:`task`, and judges in :meth:`expect_answers`.
    """

    #: File name of the program.
    program: ClassVar[str] = ''

    #: Environment variables that ask for as many threads as there are CPUs.
    thread_variables: ClassVar[tuple[str, ...]] = ('OMP_NUM_THREADS',)

    #: Python that can load what is under test.
    executable = 'python3'

    launched = False

    @property
    def threads(self) -> int:
        """Threads that must be used."""
        return self.num_cpus_per_task or 1

    @property
    def task(self) -> dict[str, Any]:
        """What the program is asked to compute."""
        raise NotImplementedError

    def expect_answers(self, result: dict[str, Any]) -> None:
        """Fail unless layout and numbers are right; what is missing may raise as it comes."""
        raise NotImplementedError

    @run_before('run')
    def write_input(self) -> None:
        """Write program and task, and ask for threads."""
        self.send_program(__file__, self.program, self.program)
        self.write('task.json', json.dumps(self.task))
        for name in self.thread_variables:
            self.env_vars[name] = self.threads
        # Nothing is written beside the modules that the program imports.
        self.env_vars['PYTHONDONTWRITEBYTECODE'] = '1'
        self.executable_opts = [self.program, 'task.json', 'result.json']

    @sanity_function
    def answers_are_known(self) -> bool:
        """Judge the run by its end, nonce, layout and numbers, in that order."""
        self.expect_clean_end()
        result = self.result()
        try:
            self.expect_nonce('result.json', result['nonce'])
            self.expect_answers(result)
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            raise SanityError(f'result.json is incomplete: {error!r}') from None
        return True

    def result(self) -> dict[str, Any]:
        """Return what the program wrote."""
        try:
            return read_result(self.require_output('result.json'))
        except ResultError as error:
            raise SanityError(f'result.json: {error}') from None
