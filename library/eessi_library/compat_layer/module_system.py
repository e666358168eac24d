"""Lmod of the compat layer."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import ClassVar

from reframe.core.builtins import run_before

from eessi_library.compat_layer.compat_test import CompatLayerTest
from eessi_library.expect import expect
from eessi_library.nonce import integer

#: Where Lmod's start-up script is, newest layout first.
_START = (
    'usr/share/Lmod/init/profile',
    'usr/share/lmod/lmod/init/profile',
    'usr/lmod/lmod/init/profile',
)


class ModuleSystem(CompatLayerTest, pin_prefix=True):
    """Lmod lists, loads, unloads and refuses modules that the test itself writes.

    Truth: the variables that the module files of this run set.
    """

    group: ClassVar[str] = 'module_system'
    varies = 'version, contents and dependency of the modules'
    truths: ClassVar[dict[str, str]] = {'environment': 'the module files of this run'}

    @property
    def version(self) -> str:
        """Version of the modules of this run."""
        return f'{integer(self.nonce, "module", 1, 99)}.{self.nonce}'

    @run_before('run')
    def write_modules(self) -> None:
        """Write a module and another that depends on it."""
        for name in ('probe', 'base'):
            Path(self.stagedir, 'modules', name).mkdir(parents=True, exist_ok=True)
        self.write(
            f'modules/probe/{self.version}.lua',
            f'depends_on("base/{self.version}")\n'
            f'setenv("PROBE", "{self.nonce}")\nprepend_path("PROBE_PATH", "/first")\n',
        )
        self.write(f'modules/base/{self.version}.lua', f'setenv("BASE", "of {self.nonce}")\n')

    def _start(self) -> str:
        for place in _START:
            if Path(self.compat_path, place).is_file():
                init = shlex.quote(f'{self.compat_path}/{place}')
                return f"""\
export LMOD_IGNORE_CACHE=yes LMOD_ALLOW_ROOT_USE=yes LMOD_COLORIZE=no LMOD_PAGER=none
unset MODULEPATH MODULEPATH_ROOT LMOD_CMD
set +e
source {init}
module use "$PWD/modules"
"""
        return f'echo "Lmod is not at {" or ".join(_START)}" >&2\nexit 1\n'

    def script_module_avail(self) -> str:
        """All modules, one a line."""
        return (
            self._start()
            # Without the stage directory: a run elsewhere prints the same number of bytes.
            + """\
listed=$(module -t avail 2>&1)
echo "status $?"
echo "${listed//$PWD/.}"
module --version 2>&1
"""
        )

    def judge_module_avail(self, out: str) -> None:
        """Lmod's own modules and this run's."""
        lines = [line.strip() for line in out.splitlines()]
        self.require('status 0' in lines, 'module_avail: `module avail` fails')
        # Lmod's own modules may carry a version.
        for name in ('lmod', 'settarg'):
            self.require(
                any(line == name or line.startswith(f'{name}/') for line in lines),
                f"module_avail: Lmod's own module {name} is not listed",
            )
        for name in ('probe', 'base'):
            self.require(
                f'{name}/{self.version}' in lines, f'module_avail: {name}/{self.version} is missing'
            )
        self.require(
            any(re.search(r'Lua Version|Modules based on Lua', line) for line in lines),
            'module_avail: `module --version` does not name Lmod',
        )

    def script_module_load(self) -> str:
        """Load with dependency, list, unload, and ask for a module that does not exist."""
        return (
            self._start()
            + f"""\
show() {{ echo "$1 $? ${{PROBE-unset}} ${{PROBE_PATH-unset}} ${{BASE-unset}}"; }}
export PROBE_PATH=/last
module load probe/{self.version}; show loaded
module is-loaded base/{self.version}; show dependency
module unload probe; show unloaded
module load absent/{self.version} 2>&1; show refused
"""
        )

    def judge_module_load(self, out: str) -> None:
        """Variables are set and gone again, and what does not exist is refused."""
        lines = out.splitlines()
        shown = {line.split()[0]: line for line in lines if len(line.split()) > 4}
        loaded = f'0 {self.nonce} /first:/last of {self.nonce}'
        self.compare('module_load: loaded', shown.get('loaded'), f'loaded {loaded}')
        self.compare('module_load: dependency', shown.get('dependency'), f'dependency {loaded}')
        self.compare('module_load: unloaded', shown.get('unloaded'), 'unloaded 0 unset /last unset')
        refused = shown.get('refused', '')
        expect(bool(refused), 'module_load: a module that does not exist ends the session')
        self.require(
            refused.split()[1] != '0', 'module_load: a module that does not exist is loaded'
        )
        self.require(
            f'absent/{self.version}' in out, 'module_load: the missing module is not named'
        )
