"""Runs the script whose place a wrapper takes."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from eessi_validate.errors import HoldError


def run_script(script: Path, arguments: Sequence[str], *, keep: int = -1) -> None:
    """Run a script to its end; its output is the caller's.

    An interrupt is the script's to answer: it may be in the middle of a transaction.

    :arg keep: descriptor that it inherits.
    :raises HoldError: if it cannot be started, or does not end well.
    """
    sys.stdout.flush()
    try:
        process = subprocess.Popen([str(script), *arguments], pass_fds=(keep,) if keep >= 0 else ())
    except OSError as error:
        raise HoldError(f'{script} cannot be run: {error}') from error
    # Ctrl-C reaches it from the terminal; what is sent to us alone is passed on.
    previous = {
        signal.SIGINT: signal.signal(signal.SIGINT, signal.SIG_IGN),
        signal.SIGTERM: signal.signal(signal.SIGTERM, lambda n, _frame: process.send_signal(n)),
    }
    try:
        code = process.wait()
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
    if code:
        how = f'was ended by signal {-code}' if code < 0 else f'ended with {code}'
        raise HoldError(f'{script} {how}; what it did is not known here')
