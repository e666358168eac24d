from __future__ import annotations

import re

import pytest
import report_factory as factory
from hypothesis import given
from hypothesis import strategies as st
from lxml import html
from markdown_it import MarkdownIt

from eessi_validate.report import render_markdown
from eessi_validate.report.excerpt import Excerpt, printable
from eessi_validate.report.markdown_text import code, fence, prose
from eessi_validate.results.model import Outcome

MARKDOWN = MarkdownIt('commonmark', {'html': True}).enable('table')

#: Markup that the presenter itself writes.
OWN_HTML = re.compile(r'</?(details|summary|code)>')


def parsed(text: str) -> list:
    tokens = MARKDOWN.parse(text)
    return [part for token in tokens for part in (token, *(token.children or ()))]


def assert_no_markup_but_our_own(text: str) -> None:
    for token in parsed(text):
        assert token.type not in ('image', 'link_open')
        if token.type in ('html_block', 'html_inline'):
            assert '<' not in OWN_HTML.sub('', token.content)
    page = html.fromstring(f'<div>{MARKDOWN.render(text)}</div>')
    for element in page.xpath('//code|//pre'):
        # GitHub and GitLab link nothing in there.
        element.text = ''
    words = page.text_content()
    assert not re.search(r'(^|\W)@\w', words)
    assert '://' not in words
    assert 'www.' not in words
    assert not re.search(r'#\d', words)


def test_verdict_and_summary_come_first():
    first = render_markdown(factory.rejected()).splitlines()[:3]
    assert first[0] == '## ✗ REJECT'
    assert first[2].startswith('2 new failures in QuantumESPRESSO and GROMACS')


def test_reason_output_and_command_of_a_failed_case_are_there():
    text = render_markdown(factory.rejected())
    assert 'libxc.so.12: cannot open shared object file' in text
    assert "-n '/EESSI_QuantumESPRESSO_PW' --system=local:default" in text


@pytest.mark.parametrize('outcome', list(Outcome))
@pytest.mark.parametrize('count', [0, 1, 300, 10_000])
def test_it_stays_below_60000_bytes_whatever_the_input(count, outcome):
    assert len(render_markdown(factory.hostile(count, outcome)).encode()) < 60_000


def test_it_stays_below_60000_bytes_with_many_targets_problems_and_metrics():
    report = factory.hostile(50)
    cases = tuple(
        r.model_copy(
            update={
                'case': r.case.model_copy(
                    update={
                        'id': r.case.id.model_copy(update={'cpu_target': f'{i}{factory.HOSTILE}'})
                    }
                )
            }
        )
        for i, r in enumerate(report.run.results)
    )
    report = factory.report_of(
        cases, run={'problems': (factory.HOSTILE,) * 99, 'unplanned': (factory.HOSTILE * 50,) * 99}
    )
    text = render_markdown(report)
    assert len(text.encode()) < 60_000
    assert '41 CPU targets left out' in text
    assert '178 more left out' in text


def test_what_is_left_out_is_counted_honestly():
    text = render_markdown(factory.hostile(10_000))
    shown = len(re.findall(r'^\*\*✗ fail\*\*', text, re.MULTILINE))
    left_out = re.search(r'… ([\d,]+) cases left out here', text)
    assert left_out
    assert shown + int(left_out[1].replace(',', '')) == 10_000


@pytest.mark.parametrize('outcome', [Outcome.FAIL, Outcome.PASS])
def test_untrusted_names_and_output_stay_text(outcome):
    text = render_markdown(factory.hostile(30, outcome))
    assert_no_markup_but_our_own(text)
    assert text.count('<details>') == sum(
        '<details>' in t.content for t in parsed(text) if t.type == 'html_block'
    )


def test_a_hostile_module_name_does_not_break_its_table_row():
    tokens = parsed(render_markdown(factory.hostile(30)))
    rows = sum(token.type == 'tr_open' for token in tokens)
    cells = sum(token.type in ('td_open', 'th_open') for token in tokens)
    assert (rows, cells) == (2 + 1 + 11, 2 * 8 + (1 + 11) * 4)


@given(st.text(max_size=60))
def test_any_text_as_code_is_only_itself(text):
    tokens = parsed(f'| a | b |\n| - | - |\n| {code(text)} | end |')
    assert_no_markup_but_our_own(f'{code(text)}')
    assert [t.content for t in tokens if t.type == 'text'][-1] == 'end'
    assert sum(t.type == 'td_open' for t in tokens) == 2


@given(st.text(max_size=60))
def test_any_text_as_prose_is_one_plain_paragraph(text):
    words = prose(text)
    assert_no_markup_but_our_own(words)
    allowed = {'paragraph_open', 'paragraph_close', 'inline', 'text', 'text_special'}
    assert {token.type for token in parsed(words)} <= allowed


@given(st.text(alphabet='`~ a\n<', max_size=60))
def test_any_output_stays_inside_its_fence(text):
    tokens = parsed(f'{fence(Excerpt(printable(text)))}\n\nend')
    assert [token.type for token in tokens[:2]] == ['fence', 'paragraph_open']
