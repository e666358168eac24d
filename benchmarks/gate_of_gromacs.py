"""Prints what the gate of GROMACS costs besides GROMACS: python benchmarks/gate_of_gromacs.py ROOT.

ROOT is a local stack with the set ``minimal``, built if need be, named ``local.eessi.io``. Its
GROMACS is packed and taken out, the tarball is gated over what is left, three times, and GROMACS is
built again. What the cases of the application took, one after another, is not counted; inspection,
extraction, overlay, planning, the checks of the installation, ReFrame and the report are.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measure import machine, median, row

COMMAND = [sys.executable, '-c', 'from eessi_validate.cli import main; main()']
APPLICATION = 'EESSI_GROMACS_'


def main() -> None:
    """Gate it three times, print the table."""
    root = sys.argv[1]
    print(machine())
    subprocess.run([*COMMAND, 'stack', 'build', '--root', root], check=True, capture_output=True)
    with tempfile.TemporaryDirectory() as scratch:
        pack = [*COMMAND, 'stack', 'pack', 'GROMACS', '--root', root, '--out', scratch]
        done = subprocess.run([*pack, '--take-out'], check=True, capture_output=True, text=True)
        gate = [*COMMAND, 'gate', done.stdout.strip(), '--stack', root, '--quiet']
        others, wholes = [], []
        for number in range(3):
            out, start = Path(scratch) / f'out{number}', time.perf_counter()
            subprocess.run([*gate, '--out', str(out)], check=True, capture_output=True)
            wholes.append(time.perf_counter() - start)
            results = json.loads((out / 'report.json').read_text())['run']['results']
            own = [r for r in results if r['case']['id']['test'].startswith(APPLICATION)]
            assert own, results
            others.append(wholes[-1] - sum(r['seconds'] for r in own))
    subprocess.run([*COMMAND, 'stack', 'build', '--root', root], check=True, capture_output=True)
    rest = median(others)
    figure = f'{rest:.1f} s of {median(wholes):.1f} s'
    row('gate of GROMACS without its own cases', figure, '<= 15 s', rest <= 15)


if __name__ == '__main__':
    main()
