"""What a reader must know of a gated tarball stands in every form of its report."""

from __future__ import annotations

import pytest
import report_factory as factory

from eessi_validate.report import render_html, render_markdown, render_terminal
from eessi_validate.results.model import GateRecord, Report

TARBALL = 'eessi-2025.06-software-linux-x86_64-intel-haswell-1695028124.tar.zst'


def gated(**changed: object) -> Report:
    given = {
        'tarball': TARBALL,
        'size': 1000,
        'kind': 'software',
        'modules': ('GROMACS/2024.1-foss-2023b',),
        'base_digest': 'sha256:0f1e',
        'method': 'overlay',
        'context': 'ingest',
        'decided': '2025-11-23',
        'trial': '',
    }
    gate = GateRecord.model_validate(given | changed)
    return factory.accepted().model_copy(update={'gate': gate})


@pytest.mark.parametrize('render', [render_terminal, render_markdown, render_html])
def test_base_findings_and_standing_are_told(render):
    text = render(gated())
    for words in ('GROMACS/2024.1-foss-2023b', 'no finding', 'laid over it', 'official'):
        assert words in text
    assert 'in place: the stack holds it already' in render(gated(method='in-place'))
    assert 'trial: the policy pins nothing' in render(gated(trial='the policy pins nothing'))


def test_the_first_line_names_the_tarball():
    assert render_terminal(gated(), width=120).splitlines()[0] == (
        f'ACCEPT  {TARBALL} for local.eessi.io 2025.06'
    )
