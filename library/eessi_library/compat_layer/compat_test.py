"""The base of the compat layer's library tests: one session, many checks, each judged by itself."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any, ClassVar

from reframe.core.builtins import performance_function, run_before, sanity_function, variable
from reframe.core.exceptions import SanityError

from eessi_library.compat_layer import session
from eessi_library.compat_layer.checks import applicable_checks, group_applicable
from eessi_library.compat_layer.layout import (
    LOADERS,
    detect_package_manager,
    read_place,
    shipped_programs,
)
from eessi_library.expect import expect
from eessi_library.library_test import LibraryTest


class CompatLayerTest(LibraryTest, pin_prefix=True):
    """What the tests of a compat layer share; abstract.

    A subclass names its :attr:`group` and has, for each check of that group in
    :mod:`eessi_library.compat_layer.checks`, a method ``judge_<check>``, and a method
    ``script_<check>`` where something runs inside the compat layer: it returns the commands of
    bash, whose output goes to ``<check>.out``. All applicable checks are judged before the test
    fails, and the failure names every fault.
    """

    #: Path of the compat layer: ``<root>/versions/<release>/compat/<system>/<arch>``.
    compat_path = variable(str, loggable=True)

    #: Release; '' takes it from the path.
    release = variable(str, value='', loggable=True)

    #: CPU family; '' takes it from the path.
    arch = variable(str, value='', loggable=True)

    #: ``portage``, ``dpkg`` or ``none``; '' takes what is found there.
    package_manager = variable(str, value='', loggable=True)

    #: Group in the table of checks.
    group: ClassVar[str] = ''

    kind: ClassVar[str] = 'functional'
    launched: ClassVar[bool] = False
    directions: ClassVar[dict[str, str]] = {'values': 'truth', 'checks': 'truth'}

    @run_before('run')
    def read_subject(self) -> None:
        """Complete what is known of the compat layer, and find the checks that apply."""
        self.compat_path = self.compat_path.rstrip('/')
        place = read_place(self.compat_path)
        self.release = self.release or place.release
        self.arch = self.arch or place.arch
        self.package_manager = self.package_manager or detect_package_manager(self.compat_path)
        subject = (self.release, self.package_manager, shipped_programs(self.compat_path))
        self._applicable = applicable_checks(self.group, *subject)
        if not self._applicable:
            self.skip(group_applicable(self.group, *subject).reason)

    @run_before('run')
    def compose_session(self) -> None:
        """Write the script of each check and enter the compat layer with all of them."""
        inside = [name for name in self._applicable if hasattr(self, f'script_{name}')]
        for name in inside:
            self.write(f'{name}.sh', self._script(name))
        script = session.session_script(self.compat_path, self.stagedir, self.nonce, inside)
        self.write('session.sh', script)
        self._inside = inside
        self.executable = self._entrance()
        self.executable_opts = ['< session.sh', '> session.out', '2> session.err']
        self.postrun_cmds += ['cat session.out', 'cat session.err >&2']

    def _script(self, name: str) -> str:
        """Return the script of a check; what it needs and does not find is a fault of the layer."""
        try:
            return str(getattr(self, f'script_{name}')())
        except SanityError as error:
            return f'echo {shlex.quote(str(error))} >&2\nexit 1\n'

    def _entrance(self) -> str:
        if self._has_startprefix():
            return shlex.quote(f'{self.compat_path}/startprefix')
        return session.bare_environment(self.compat_path)

    def _has_startprefix(self) -> bool:
        return Path(self.compat_path, 'startprefix').exists()

    @property
    def loader(self) -> str:
        """Path of the dynamic loader."""
        return f'{self.compat_path}/{LOADERS[self.arch]}'

    @sanity_function
    def compat_layer_answers(self) -> bool:
        """Judge the end of the job, then each check; name every fault."""
        self._compared = 0
        self._judged = 0
        self.expect_clean_end()
        self._expect_session_left()
        statuses = session.parse_statuses(self.read_output(session.STATUSES), self.nonce)
        faults = []
        if statuses.get(session.END) != 0:
            faults.append('the session did not run to its end with the nonce of this run')
        for name in self._applicable:
            try:
                self._judge(name, statuses)
                self._judged += 1
            except SanityError as error:
                faults.append(str(error))
        expect(not faults, '; '.join(dict.fromkeys(faults)))
        return True

    def _expect_session_left(self) -> None:
        if self._inside and self._has_startprefix():
            status = session.leaving_status(self.read_output('session.out'))
            expect(status is not None, 'startprefix does not report the exit status of its session')
            expect(status == 0, f'the session in the compat layer ended with status {status}')

    def _judge(self, name: str, statuses: dict[str, int]) -> None:
        if name in self._inside:
            fault = session.failure_of(name, statuses.get(name), self.read_output(f'{name}.err'))
            expect(fault is None, fault or '')
            self._expect_whole(name, statuses)
        before = self._compared
        getattr(self, f'judge_{name}')(self.read_output(f'{name}.out'))
        expect(self._compared > before, f'{name}: compared nothing')

    def _expect_whole(self, name: str, statuses: dict[str, int]) -> None:
        path, told = Path(self.stagedir, f'{name}.out'), statuses.get(f'{name}.out')
        size = path.stat().st_size if path.exists() else 0
        # Without wc there is no size; that it is missing is a fault of the tools.
        expect(
            told in (None, size), f'{name}: its output has {size} bytes, the session wrote {told}'
        )

    def compare(self, what: str, found: Any, expected: Any) -> None:
        """Fail unless ``found == expected``; count one compared value."""
        self._compared += 1
        if found != expected:
            raise SanityError(f'{what}: expected {expected!r}, found {found!r}')

    def require(self, condition: bool, sentence: str) -> None:
        """Fail with ``sentence`` unless ``condition`` holds; count one compared value."""
        self._compared += 1
        expect(condition, sentence)

    @performance_function('values')
    def values(self) -> int:
        """Values that were compared with their truth."""
        return self._compared

    @performance_function('checks')
    def checks(self) -> int:
        """Checks of the group that apply to this compat layer."""
        return self._judged
