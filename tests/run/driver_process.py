"""The driver as a process of its own, and what it leaves behind."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mini_stack import make_mini_stack, write_check

DRIVER = [sys.executable, '-c', 'from eessi_validate.cli import main; main()', 'run']

#: Fails while the file is there, hangs while the other one is there; both lie beside the check.
STATEFUL = """\
    from reframe.core.builtins import run_before
    @run_before('run')
    def depend_on_the_world(self):
        here = os.path.dirname(os.path.abspath(__file__))
        self.prerun_cmds += [
            f'if [ -e {here}/hang-{self.case_key.partition("/")[0]} ]; then sleep 600; fi',
            f'if rm {here}/once 2>/dev/null; then exit 7; fi',
            f'if [ -e {here}/broken ]; then exit 8; fi',
        ]
"""


def start(*arguments: object, cwd: Path | None = None, **environment: str) -> Any:
    return subprocess.Popen(
        [*DRIVER, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, cwd=cwd, env={**os.environ, **environment},
    )  # fmt: skip


def run(*arguments: object, cwd: Path | None = None, **environment: str) -> tuple[int, str]:
    process = start(*arguments, cwd=cwd, **environment)
    output, _ = process.communicate(timeout=120)
    return process.returncode, output


def report_of(out: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((out / 'report.json').read_text())
    return document


def outcomes(out: Path) -> dict[str, str]:
    found = report_of(out)['run']['results']
    return {
        r['case']['id']['software'] + f'#{r["case"]["repetition"]}': r['outcome']
        for r in found
        if r['case']['partition'] != 'driver'
    }


def until(condition: Callable[[], bool], seconds: float = 40) -> None:
    """Wait until the condition holds, or fail."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, 'it did not happen in time'
        time.sleep(0.1)


def processes_of(directory: Path) -> list[str]:
    """Return the processes that work in a directory, or name it on their command line."""
    found = []
    for entry in Path('/proc').glob('[0-9]*'):
        try:
            command = (entry / 'cmdline').read_bytes().replace(b'\0', b' ').decode()
            where = os.readlink(entry / 'cwd')
        except OSError:
            continue
        if int(entry.name) != os.getpid() and (
            where.startswith(str(directory)) or str(directory) in command
        ):
            found.append(f'{entry.name} {command}')
    return found


def hanging_case_runs(out: Path) -> bool:
    return any('sleep 600' in line for line in processes_of(out))


def two_softwares(tmp_path: Path) -> tuple[Path, Path]:
    """Return a stack with Tool and Other, and a check file that covers both."""
    stack = make_mini_stack(tmp_path / 'mini.eessi.io', 'Tool', 'Other', family=platform.machine())
    path = write_check(tmp_path / 'tool.py', more=STATEFUL)
    text = 'import os\n' + path.read_text()
    other = text[text.index('@rfm.simple_test') :]
    other = other.replace('EESSI_Tool', 'EESSI_Other').replace(
        "covers = 'Tool'", "covers = 'Other'"
    )
    path.write_text(text + '\n\n' + other)
    return stack, path


# Stopped by the user
