"""The page as markup: self-contained, complete without JavaScript, safe, small, readable."""

from __future__ import annotations

import re
from functools import cache

import pytest
import report_factory as factory
from lxml import html

from eessi_validate.report import render_html
from eessi_validate.report.html import TEMPLATES, folder_link
from eessi_validate.results.model import Outcome, Report

REPORTS = {
    'accept': factory.accepted,
    'reject': factory.rejected,
    'hold': factory.held,
    'hostile': lambda: factory.hostile(30),
    'many': lambda: factory.many(200),
}


def page_of(report: Report) -> html.HtmlElement:
    return html.fromstring(render_html(report).encode())


@cache
def page(name: str) -> html.HtmlElement:
    return page_of(REPORTS[name]())


def words(element: html.HtmlElement) -> str:
    return ' '.join(element.text_content().split())


def test_the_first_screen_is_in_order():
    body = words(page('reject').find('body'))
    order = [
        'REJECT',
        factory.DIGEST,
        'planned',
        'Modules and CPU targets',
        'Needs action',
        'Cases to',
    ]
    order += ['Known', 'Passed', 'Not planned', 'Provenance']
    places = [body.index(part) for part in order]
    assert places == sorted(places)


def test_each_excuse_gives_reason_release_and_a_link_to_its_case():
    (first, *_) = page('reject').xpath('//li[starts-with(@class, "excuse ")]')
    assert 'Conserved energy drifts' in words(first)
    assert 'Release a build that conserves energy' in words(first)
    (link,) = first.xpath('.//a/@href')
    assert 'Conserved energy' in words(page('reject').get_element_by_id(link[1:]))


def test_a_failed_case_shows_reason_output_command_and_job_script():
    (case,) = page('reject').xpath('//article[contains(h3, "OSU") and contains(h3, "haswell")]')
    text = words(case)
    assert 'Stopped by SIGTERM after 212 s.' in text
    assert 'Finished mdrun on rank 0' in text
    assert "reframe -C configs/local.py -c implementations -r -n '/EESSI_OSU_coll'" in text
    assert 'module load GROMACS' in case.xpath('string(.//details/pre)')


def test_passed_cases_show_metrics_with_their_references():
    rows = [words(row) for row in page('accept').xpath('//tr[@class="case"]')]
    assert len(rows) == 9
    assert 'potential energy -41.52 kJ/mol reference -41.5, accepted -41.8 to -41.2' in rows[0]


def test_provenance_names_host_versions_nonce_command_and_policy():
    text = words(page('reject').xpath('//dl[@class="provenance"]')[0])
    for part in (
        'node01.cluster',
        'ReFrame 4.10.4',
        '5b1f0c9e',
        'eessi-validate gate',
        'default 1.0',
    ):
        assert part in text


def test_a_run_of_nothing_says_so():
    text = words(page('hold').find('body'))
    assert 'No case was planned. Nothing to run is never a pass.' in text
    assert 'This run cannot be trusted as it is' in text
    assert 'name conflict' in text


@pytest.mark.parametrize('name', REPORTS)
def test_the_page_loads_nothing_and_links_only_to_itself_and_its_files(name):
    for attribute in ('src', 'srcset', 'action', 'style', 'onclick', 'onerror', 'onload'):
        assert page(name).xpath(f'//@{attribute}') == []
    assert page(name).xpath('//link|//iframe|//object|//img') == []
    assert len(page(name).xpath('//script')) == 1
    links = page(name).xpath('//a/@href')
    ids = set(page(name).xpath('//@id'))
    assert all(link[1:] in ids for link in links if link.startswith('#'))
    assert all(link.startswith(('#', './')) for link in links)


@pytest.mark.parametrize('name', REPORTS)
def test_every_case_is_there_once_without_javascript(name):
    ids = page(name).xpath('//@id')
    assert len(ids) == len(set(ids))
    cases = page(name).xpath('//*[contains(concat(" ", @class, " "), " case ")]')
    assert len(cases) == REPORTS[name]().counters.planned
    assert page(name).xpath('//*[@hidden and not(ancestor-or-self::form)]') == []


def test_no_state_is_told_by_colour_or_mark_alone():
    cells = page('reject').xpath('//table[@class="matrix"]//td')
    tables = page('reject').xpath('//table')
    assert cells
    assert tables
    for cell in cells:
        assert re.search(r'[a-z]{4}', words(cell))
    for table in tables:
        assert all(head.get('scope') for head in table.xpath('.//th'))


def test_counters_filter_only_where_cases_stand_for_them():
    links = page('reject').xpath('//a[@data-show]/@data-show')
    assert links == ['all', 'passed', 'new_failure', 'known', 'lost_coverage', 'held', 'flaky']
    assert page('accept').xpath('//a[@data-show]/@data-show') == ['all', 'passed']


@pytest.mark.parametrize('outcome', list(Outcome))
def test_hostile_text_stays_text(outcome):
    text = render_html(factory.hostile(10, outcome))
    assert '<script>alert' not in text
    assert '\x1b' not in text
    assert '\u202e' not in text
    assert 'href="javascript' not in text


@pytest.mark.parametrize(
    ('directory', 'link'),
    [
        ('cases/gromacs 1', './cases/gromacs%201/'),
        ('javascript:alert(1)', './javascript%3Aalert%281%29/'),
        ('/etc', ''),
        ('', ''),
    ],
)
def test_links_to_folders_stay_relative_paths(directory, link):
    assert folder_link(directory) == link


@pytest.mark.parametrize(
    'make',
    [lambda: factory.many(2000), lambda: factory.many(2000, 2000), lambda: factory.hostile(2000)],
)
def test_two_thousand_cases_stay_below_5_megabytes(make):
    assert len(render_html(make()).encode()) < 5_000_000


def test_output_that_is_left_out_is_counted():
    text = render_html(factory.hostile(2000))
    full = text.count('<article class="case fail"')
    assert 0 < full < 2000
    assert f'The output of {2000 - full:,} more cases is left out here' in text


def test_long_matrices_fold_away_what_passed():
    assert 'modules passed wherever planned' not in words(page('reject').find('body'))
    many = words(page_of(factory.many(2000)).find('body'))
    assert '330 more modules passed wherever planned' in many


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.1)."""
    digits = colour[1:] if len(colour) == 7 else ''.join(2 * d for d in colour[1:])
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize('scheme', [0, 1], ids=['light', 'dark'])
def test_text_contrast_is_at_least_4_5(scheme):
    style = (TEMPLATES / 'report.css').read_text()
    block = re.findall(r':root \{(.*?)\}', style, re.DOTALL)[scheme]
    colours = dict(re.findall(r'--([\w-]+): (#[0-9a-f]+);', block))
    pairs = [
        ('ink', 'page'),
        ('ink', 'panel'),
        ('ink', 'code'),
        ('soft', 'page'),
        ('soft', 'panel'),
    ]
    pairs += [('link', 'panel'), ('link', 'page'), ('ink', 'fail-bg')]
    for tone in ('pass', 'fail', 'error', 'hold', 'known'):
        pairs += [(tone, f'{tone}-bg'), (tone, 'panel'), (tone, 'page')]
    for ink, ground in pairs:
        high, low = sorted((luminance(colours[ink]), luminance(colours[ground])), reverse=True)
        assert (high + 0.05) / (low + 0.05) >= 4.5, (ink, ground)
