"""The example site: its own ReFrame configuration and implementation, on the library alone."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SITE = Path(__file__).parents[2] / 'implementations' / 'example_site'


def test_the_implementation_has_at_most_ten_lines_on_the_library_alone() -> None:
    text = (SITE / 'gromacs.py').read_text()
    assert len([line for line in text.splitlines() if line.strip()]) <= 10
    imports = [n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Import | ast.ImportFrom)]
    assert [ast.unparse(each) for each in imports] == [
        'import reframe as rfm',
        'from eessi_library.gromacs import WaterBox',
    ]


@pytest.mark.stack
@pytest.mark.slow
def test_the_site_runs_it_with_plain_reframe(local_stack: Path, tmp_path: Path) -> None:
    report = tmp_path / 'report.json'
    done = subprocess.run(
        [
            sys.executable, '-c', 'from reframe.frontend.cli import main; main()',
            '-C', str(SITE / 'config.py'), '-c', str(SITE / 'gromacs.py'), '-r',
            '--prefix', str(tmp_path), '--report-file', str(report),
        ],
        cwd=tmp_path,
        env={
            **os.environ,
            'SITE_STACK': str(local_stack / 'versions' / '2023.06'),
            # A rank that waits must not spin where others use the cores too.
            'OMPI_MCA_mpi_yield_when_idle': '1',
        },
        capture_output=True,
        text=True,
        timeout=300,
    )  # fmt: skip
    assert report.exists(), done.stdout + done.stderr
    (case,) = json.loads(report.read_text())['runs'][0]['testcases']
    assert case['result'] == 'pass', case['fail_reason']
    assert {name.rpartition(':')[2] for name in case['perfvalues']} >= {'speed', 'density'}
    assert 'mpiexec' in Path(case['outputdir'], 'rfm_job.sh').read_text()
