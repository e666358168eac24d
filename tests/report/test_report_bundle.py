"""The page on a bundle shows differences, stays small, and carries no markup of others."""

from __future__ import annotations

import json

import jsonschema
import pytest

from eessi_validate.report.bundle_files import (
    SCHEMA_FILE,
    bundle_schema_text,
    render_bundle_json,
    write_bundle,
)
from eessi_validate.report.bundle_markdown import LIMIT, render_bundle_markdown
from eessi_validate.report.bundle_terminal import render_bundle_terminal
from eessi_validate.results.bundle import (
    AgainstBase,
    BundleReport,
    BundleTarball,
    Concern,
)
from eessi_validate.results.model import VerdictCode

TARGETS = tuple(f'x86_64/vendor/target{number}' for number in range(20))


def report(
    modules: int = 3, concerns: tuple[Concern, ...] = (), targets: tuple[str, ...] = TARGETS
) -> BundleReport:
    names = tuple(f'Software{number}/1.0-foss-2022b' for number in range(modules))
    tarballs = tuple(
        BundleTarball(
            tarball=f'{target}.tar.zst', digest='sha256:1', size=10**9, target=target,
            modules=tuple(('', name) for name in names), files=20_000,
        )
        for target in targets
    )  # fmt: skip
    return BundleReport(
        verdict=VerdictCode.HOLD, summary='it is held', repository='software.eessi.io',
        release='2023.06', digest='sha256:2', expected=(*targets, 'ppc64le/generic'),
        expected_by='the policy', tarballs=tarballs,
        verdicts=dict.fromkeys(targets, VerdictCode.HOLD),
        against_base=(AgainstBase(modules=names, targets={'new': targets}),),
        differences=(), concerns=concerns, context='ingest', decided='2026-11-23',
        policy='strict', policy_digest='sha256:3',
    )  # fmt: skip


def concern(subject: str, reason: str, targets: tuple[str, ...] = TARGETS[:2]) -> Concern:
    return Concern(
        effect='hold', check='bundle-files-differ', subject=subject,
        reasons=dict.fromkeys(targets, reason), counts=dict.fromkeys(targets, 1),
        release='mend it',
    )  # fmt: skip


FORMS = [render_bundle_markdown, render_bundle_terminal]


@pytest.mark.parametrize('render', FORMS)
def test_what_is_the_same_everywhere_is_one_line(render):
    text = render(report())
    assert sum('new on all 20 targets' in line for line in text.splitlines()) == 1
    assert text.count('Software1/1.0-foss-2022b') == 1


@pytest.mark.parametrize('render', FORMS)
def test_a_target_without_a_tarball_is_a_row(render):
    (row,) = [line for line in render(report()).splitlines() if 'no tarball' in line]
    assert 'ppc64le/generic' in row


@pytest.mark.parametrize('render', FORMS)
def test_targets_with_the_same_reason_share_a_line(render):
    text = render(report(concerns=(concern('GROMACS/1', '5 files'),)))
    (line,) = [line for line in text.splitlines() if '5 files' in line]
    assert 'target0' in line
    assert 'target1' in line


def test_the_page_stays_below_its_limit_and_counts_what_it_leaves_out():
    many = tuple(concern(f'Module{n}/{"v" * 100}', f'{n} files ' * 30) for n in range(2000))
    text = render_bundle_markdown(report(modules=5000, concerns=many))
    assert len(text.encode()) < LIMIT
    assert 'more are in `bundle.json`' in text
    assert text.startswith('## ‖ HOLD')
    wide = tuple(f'x86_64/{"long" * 30}/{number}' for number in range(2000))
    several = tuple(concern(f'M{n}', f'other {n}', wide) for n in range(600))
    assert len(render_bundle_markdown(report(20, several, wide)).encode()) < LIMIT


def test_markup_of_others_is_shown_not_obeyed():
    hostile = 'x</details>`|**@someone** [a](https://example.org)\n# head'
    text = render_bundle_markdown(report(concerns=(concern(hostile, hostile),)))
    assert '</details>`' not in text
    assert '@someone' not in text
    assert '\n# head' not in text
    assert '\n# head' not in render_bundle_terminal(report(concerns=(concern(hostile, hostile),)))


def test_the_shipped_schema_is_that_of_the_model_and_reports_follow_it():
    assert SCHEMA_FILE.read_text(encoding='utf-8') == bundle_schema_text(), (
        'run publish_bundle_schema()'
    )
    schema = json.loads(bundle_schema_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    made = report(concerns=(concern('a', 'b'),))
    jsonschema.validate(json.loads(render_bundle_json(made)), schema)


def test_json_reads_back_equal(tmp_path):
    made = report(concerns=(concern('a', 'b'),))
    write_bundle(made, tmp_path)
    text = (tmp_path / 'bundle.json').read_text()
    assert BundleReport.model_validate(json.loads(text)) == made
    assert text == render_bundle_json(made)
