"""Runs one command that sees a directory laid over a base: ``under.py UPPER BASE COMMAND...``.

The words before the command are a prefix that any other program can be started with. Standard
library only, because a process with threads cannot leave its user namespace.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from eessi_validate.gate.overlay.namespace import enter_namespace, lay_over
from eessi_validate.gate.overlay.refusal import OverlayUnavailable


def main(upper: str, base: str, *command: str) -> int:
    """Become the command; returns only if this host allows no overlay, or there is no command."""
    try:
        enter_namespace()
        lay_over(Path(upper), Path(base))
        os.execvp(command[0], command)
    except OverlayUnavailable as refusal:
        print(f'no overlay on this host: {refusal}', file=sys.stderr)
    except OSError as error:
        print(f'cannot start {command[0]}: {error}', file=sys.stderr)
    return 75


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
