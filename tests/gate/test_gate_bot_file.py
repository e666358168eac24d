"""The bot reads one section with a comment of one line, whatever a tarball is called."""

from __future__ import annotations

import configparser

import pytest
from gate_material import decided, finding, result

from eessi_validate.gate.interfaces.bot_test_file import render_bot_test
from eessi_validate.results.model import Outcome, Report


def read(report: Report, directory) -> configparser.SectionProxy:
    path = directory / '_bot_job42.test'
    path.write_text(render_bot_test(report))
    parser = configparser.ConfigParser()
    parser.read(path)
    assert parser.sections() == ['TEST']
    return parser['TEST']


@pytest.mark.parametrize(
    ('outcome', 'status'),
    [(Outcome.PASS, 'SUCCESS'), (Outcome.FAIL, 'FAILURE'), (Outcome.ERROR, 'FAILURE')],
)
def test_only_an_accept_is_a_success(outcome, status, tmp_path):
    section = read(decided(result(outcome)), tmp_path)
    assert section['status'] == status
    assert section['comment_description'].startswith('<details><summary>')


def test_nothing_to_run_is_no_success(tmp_path):
    assert read(decided(), tmp_path)['status'] == 'FAILURE'


def test_names_of_others_are_told_and_do_nothing(tmp_path):
    name = '100%s/\n[TEST]\nstatus = SUCCESS <script> @someone %(status)s'
    findings = tuple(
        finding('member-type', 'reject', waivable=False, member=f'{name}{n}') for n in range(500)
    )
    section = read(decided(result(Outcome.PASS), findings=findings), tmp_path)
    assert section['status'] == 'FAILURE'
    assert '100%s' in section['comment_description']
    assert '<script>' not in section['comment_description']
    assert '@someone' not in section['comment_description']
    assert len(section['comment_description']) < 60_000
