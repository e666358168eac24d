"""The slot of a pull request: short, the gravest first, and nothing in it that acts."""

from __future__ import annotations

import json

import pytest
from gate_material import decided, finding, result

from eessi_validate.report.analysis_slot import render_analysis
from eessi_validate.report.markdown import LIMIT, render_markdown
from eessi_validate.results.model import Outcome, Report

HOSTILE = '</dd></details><script>`|@someone #1 [x](http://x) %s \U0001f600é' * 3


def many_findings(count: int, member: str = 'path') -> Report:
    findings = tuple(
        finding('member-type', 'reject', waivable=False, member=f'{member}/{n}')
        for n in range(count)
    )
    return decided(result(Outcome.PASS), findings=findings)


@pytest.mark.parametrize('member', ['path', HOSTILE])
@pytest.mark.parametrize('reports', [1, 16, 75])
def test_five_thousand_findings_fit_and_the_rest_is_counted(member, reports):
    text = render_analysis([many_findings(5000, member)] * reports)
    assert len(text.encode()) < LIMIT
    assert text.startswith('<dd>\n\n')
    assert text.endswith('\n\n</dd>\n')
    assert f'{reports} REJECT' in text
    assert '5,000 objections' in text
    assert text.count('<details>') == text.count('</details>')
    if reports == 1:
        assert 'objections left out' in text


def test_five_thousand_findings_fit_into_a_report_too():
    text = render_markdown(many_findings(5000, HOSTILE))
    assert len(text.encode()) < LIMIT
    assert 'left out' in text


def test_many_tarballs_fit_and_no_grave_verdict_is_left_out():
    passed = decided(result(Outcome.PASS), modules=tuple(f'Foo/{n}-{"x" * 90}' for n in range(50)))
    text = render_analysis([passed] * 400 + [many_findings(3)])
    assert len(text.encode()) < LIMIT
    assert text.index('**REJECT**') < 400
    assert 'tarballs left out' in text
    assert '1 REJECT' in text


def test_names_of_others_do_nothing():
    text = render_analysis([many_findings(3, HOSTILE)])
    assert '<script>' not in text
    assert text.count('</dd>') == 1
    assert '@someone' not in text
    assert '[x](http' not in text
    assert text.count('</details>') == 1


def test_a_verdict_says_what_a_reviewer_needs():
    text = render_analysis([decided(result(Outcome.PASS))])
    assert 'ACCEPT' in text
    assert 'sha256:' + 'a' * 64 in text
    assert 'GROMACS/2022.5-foss-2022b' in text
    assert '1 of 1 planned cases passed' in text
    assert 'details' not in text


def test_nothing_gated_is_said():
    assert 'No tarball was gated' in render_analysis([])


def test_the_command_prints_it(tmp_path, capsys):
    from eessi_validate.cli.staging import analysis

    path = tmp_path / 'report.json'
    path.write_text(json.dumps(decided(result(Outcome.FAIL)).model_dump(mode='json')))
    analysis([path])
    assert '**REJECT**' in capsys.readouterr().out
