"""The page in a real browser, opened from disk."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
import report_factory as factory
from lxml import html

from eessi_validate.report import write_all
from eessi_validate.results.model import Report

CHROMIUM = next(
    filter(None, map(shutil.which, ('chromium', 'chromium-browser', 'google-chrome'))), None
)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason='no chromium found on PATH'),
]

FLAGS = [
    '--headless',
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-sync',
    '--disable-background-networking',
    '--disable-component-update',
    '--enable-logging=stderr',
]


class Browser:
    """Chromium with a fresh profile for each page."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, report: Report, fragment: str, *flags: str) -> subprocess.CompletedProcess[str]:
        path = write_all(report, self.folder / 'out')['html']
        profile = f'--user-data-dir={self.folder / "profile"}'
        done = subprocess.run(
            [str(CHROMIUM), *FLAGS, profile, *flags, f'{path.as_uri()}{fragment}'],
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
        assert 'CONSOLE' not in done.stderr, 'the page must not log errors'
        return done

    def page(self, report: Report, fragment: str = '') -> html.HtmlElement:
        return html.fromstring(self.run(report, fragment, '--dump-dom').stdout)


@pytest.fixture
def browser(tmp_path):
    return Browser(tmp_path)


def visible_cases(page: html.HtmlElement) -> list[html.HtmlElement]:
    return page.xpath('//*[contains(concat(" ", @class, " "), " case ") and not(@hidden)]')


def status(page: html.HtmlElement) -> str:
    return page.get_element_by_id('shown').text_content()


def test_the_script_runs_and_shows_the_filter(browser):
    page = browser.page(factory.rejected())
    assert 'hidden' not in page.get_element_by_id('filter').attrib
    assert status(page) == '12 cases'
    assert len(visible_cases(page)) == 12


@pytest.mark.parametrize(
    ('fragment', 'count'),
    [
        ('#show=new_failure', 2),
        ('#show=flaky', 1),
        ('#target=x86_64%2Fgeneric', 5),
        ('#show=new_failure&target=x86_64%2Fgeneric', 1),
        ('#text=libxc', 1),
        ('#text=x86_64%2Fintel%2Fhaswell', 4),
        ('#show=nonsense&target=nonsense', 12),
    ],
)
def test_the_hash_restores_the_filter(browser, fragment, count):
    page = browser.page(factory.rejected(), fragment)
    assert len(visible_cases(page)) == count
    assert status(page) == ('12 cases' if count == 12 else f'{count} of 12 cases')


def test_hostile_text_runs_nothing_and_logs_nothing(browser):
    page = browser.page(factory.hostile(30))
    assert status(page) == '30 cases'
    assert len(page.xpath('//script')) == 1


@pytest.mark.parametrize('width', [500, 1600])
def test_it_paints(browser, tmp_path, width):
    picture = tmp_path / 'page.png'
    browser.run(factory.rejected(), '', f'--screenshot={picture}', f'--window-size={width},1200')
    assert picture.stat().st_size > 30_000


def test_two_thousand_cases_open(browser):
    page = browser.page(factory.many(2000))
    assert status(page) == '2000 cases'
