"""Times child processes by the kernel's own accounting, and prints figures as rows."""

from __future__ import annotations

import os
import platform
import resource
import statistics
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Timing:
    """Wall and user CPU seconds of one finished command and all its children."""

    wall: float
    user: float
    code: int


def timed(
    command: Sequence[str], *, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> Timing:
    """Run a command to its end; its output goes nowhere."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(
        command, cwd=cwd, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return Timing(wall, after.ru_utime - before.ru_utime, done.returncode)


def peak_memory(command: Sequence[str]) -> float:
    """Return the peak resident memory of a command and its children together, in MB.

    The sum of each process's own peak, looked at every 20 ms: an upper bound.
    """
    peaks: dict[int, int] = {}
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None:
            for pid in [process.pid, *_children(process.pid)]:
                peaks[pid] = max(peaks.get(pid, 0), _peak_kilobytes(pid))
            time.sleep(0.02)
    return sum(peaks.values()) / 1000


def peak_at_once(command: Sequence[str]) -> float:
    """Return the largest sum of what a command and its children held at one time, in MB.

    Proportional set size, looked at every 20 ms: of pages that several share, each has a part.
    """
    most = 0
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None:
            own = _command_line(process.pid)
            # Between fork and exec a child only borrows its parent's memory.
            pids = [pid for pid in _children(process.pid) if _command_line(pid) != own]
            held = (_kilobytes(pid, 'Pss:', 'smaps_rollup') for pid in [process.pid, *pids])
            most = max(most, sum(held))
            time.sleep(0.02)
    return most / 1000


def _children(pid: int) -> list[int]:
    found = []
    try:
        for task in Path(f'/proc/{pid}/task').iterdir():
            for child in (task / 'children').read_text().split():
                found += [int(child), *_children(int(child))]
    except OSError:
        return found
    return found


def _command_line(pid: int) -> bytes:
    try:
        return Path(f'/proc/{pid}/cmdline').read_bytes()
    except OSError:
        return b''


def _peak_kilobytes(pid: int) -> int:
    return _kilobytes(pid, 'VmHWM', 'status')


def _kilobytes(pid: int, what: str, file: str) -> int:
    try:
        lines = Path(f'/proc/{pid}/{file}').read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(what)), 0)


def median(values: Sequence[float]) -> float:
    """Return the median."""
    return statistics.median(values)


def row(what: str, figure: str, goal: str, reached: bool) -> None:
    """Print one row of the table."""
    print(f'| {what} | {figure} | {goal} | {"yes" if reached else "NO"} |', flush=True)


def machine() -> str:
    """Return one line about this machine."""
    text = Path('/proc/cpuinfo').read_text()
    model = next(
        (line.split(':')[1].strip() for line in text.splitlines() if 'model name' in line), ''
    )
    cpus = len(os.sched_getaffinity(0))
    return f'{model or platform.machine()}, {cpus} CPU(s), load {os.getloadavg()[0]:.1f}'
