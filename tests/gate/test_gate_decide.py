"""The verdict on a tarball: strict unless a rule or a waiver says otherwise, and never wider."""

from __future__ import annotations

from dataclasses import replace

import pytest
from gate_material import DIGEST, MODULE, TEST, case, decided, finding, policy, result, waiver

from eessi_validate.gate.flow import replay
from eessi_validate.report import render_json, render_markdown
from eessi_validate.results.model import Baseline, FailureClass, Outcome, Report, Standing

PASS, FAIL, ERROR, SKIP = Outcome.PASS, Outcome.FAIL, Outcome.ERROR, Outcome.SKIP
MISSING, ABORTED = Outcome.MISSING, Outcome.ABORTED
KEY = case().full_key
UNSAFE = finding('member-type', 'reject', waivable=False)
FOREIGN = finding(
    'elf-architecture', 'reject', waivable=True,
    member='2023.06/software/linux/x86_64/generic/software/GROMACS/2022.5-foss-2022b/bin/gmx',
)  # fmt: skip
ADVISORY = policy({'id': 'a', 'require': 'advisory'})
NO_REGRESSION = policy({'id': 'n', 'require': 'no-regression'})


def verdict(report: Report) -> str:
    return report.judgement.verdict.value


@pytest.mark.parametrize(
    ('outcome', 'expected'),
    [(PASS, 'ACCEPT'), (FAIL, 'REJECT'), (ERROR, 'HOLD'), (SKIP, 'HOLD'), (MISSING, 'HOLD'),
     (ABORTED, 'HOLD')],
)  # fmt: skip
def test_without_rules_only_a_pass_accepts(outcome, expected):
    assert verdict(decided(result(outcome))) == expected


def test_nothing_to_run_is_held():
    assert verdict(decided()) == 'HOLD'
    assert verdict(decided(rules=ADVISORY)) == 'HOLD'


def test_a_new_module_that_no_case_runs_is_held():
    report = decided(result(PASS), modules=(MODULE, 'New/1-foss-2022b'))
    assert verdict(report) == 'HOLD'
    assert 'New/1-foss-2022b coverage' in report.judgement.summary


@pytest.mark.parametrize(('severity', 'expected'), [('reject', 'REJECT'), ('hold', 'HOLD')])
def test_a_finding_decides_whatever_the_cases_say(severity, expected):
    name = {'reject': 'elf-architecture', 'hold': 'reserved-leftover'}[severity]
    report = decided(result(PASS), findings=(finding(name, severity, waivable=True),))
    assert verdict(report) == expected
    assert name in render_markdown(report)


def test_safety_is_released_by_no_rule_and_no_waiver():
    wide = waiver(check='member-type', target='*', software='', version='', digest=DIGEST)
    lying = UNSAFE.model_copy(update={'waivable': True})
    softened = UNSAFE.model_copy(update={'severity': 'note'})
    for unsafe in (UNSAFE, lying, softened):
        for rules in (ADVISORY, policy({'id': 'o', 'mode': 'observe'})):
            report = decided(result(PASS), findings=(unsafe,), rules=rules, waivers=(wide,))
            assert verdict(report) == 'REJECT'


def test_an_unknown_finding_cannot_be_released():
    unknown = finding('from-the-future', 'reject', waivable=True)
    assert verdict(decided(result(PASS), findings=(unknown,), rules=ADVISORY)) == 'REJECT'


@pytest.mark.parametrize(
    ('outcome', 'base', 'failure'),
    [
        (FAIL, Baseline(case=KEY, outcome=PASS), FailureClass.REGRESSION),
        (FAIL, Baseline(case=KEY, outcome=FAIL), FailureClass.ALWAYS_FAIL),
        (FAIL, Baseline(case=KEY, outcome=PASS, flaky=True), FailureClass.FLAKY),
        (FAIL, Baseline(case=KEY, outcome=ERROR), FailureClass.NEW_FAIL),
        (FAIL, Baseline(case=KEY), FailureClass.NEW_FAIL),
        (FAIL, Baseline(case='another'), FailureClass.NEW_FAIL),
        (SKIP, Baseline(case=KEY, outcome=PASS), FailureClass.LOST_COVERAGE),
        (MISSING, Baseline(case=KEY, outcome=FAIL), FailureClass.LOST_COVERAGE),
    ],
)
def test_a_failure_has_a_class_and_only_what_always_failed_is_no_regression(outcome, base, failure):
    others = result(PASS, module='FFTW/3-GCC-12', test='EESSI_FFTW')
    report = decided(result(outcome), others, baselines=(base,), rules=NO_REGRESSION)
    assert report.gate is not None
    assert report.gate.classes == {KEY: failure}
    released = failure is FailureClass.ALWAYS_FAIL
    assert (verdict(report) == 'ACCEPT') is released
    assert verdict(decided(result(outcome), others, baselines=(base,))) != 'ACCEPT'


def test_a_pass_after_a_failure_is_flaky_and_held():
    report = decided(result(PASS, FAIL))
    assert report.gate is not None
    assert report.gate.classes == {KEY: FailureClass.FLAKY}
    assert verdict(report) == 'HOLD'


def test_what_always_failed_is_no_evidence_when_nothing_passes():
    base = Baseline(case=KEY, outcome=FAIL)
    assert verdict(decided(result(FAIL), baselines=(base,), rules=NO_REGRESSION)) == 'HOLD'


def test_a_rule_counts_for_its_context_target_check_and_days_only():
    def released(**rule: object) -> bool:
        rules = policy({'id': 'r', 'require': 'advisory', **rule})
        return verdict(decided(result(FAIL), rules=rules)) == 'ACCEPT'

    assert released()
    assert released(contexts=['ingest'], targets=['x86_64/*'], checks=['EESSI_GROMACS*'])
    assert not released(contexts=['build'])
    assert not released(targets=['ppc64le/*'])
    assert not released(checks=['EESSI_LAMMPS*'])
    assert not released(valid_until='2026-11-22')
    assert not released(valid_from='2026-11-24')
    assert released(valid_from='2026-11-23', valid_until='2026-11-23')
    assert released(require='pass', mode='warn')


def test_the_first_rule_that_applies_counts():
    strict, soft = {'id': 's', 'require': 'pass'}, {'id': 'a', 'require': 'advisory'}
    assert verdict(decided(result(FAIL), rules=policy(strict, soft))) == 'REJECT'
    assert verdict(decided(result(FAIL), rules=policy(soft, strict))) == 'ACCEPT'


def test_a_waiver_releases_its_failure_and_the_verdict_says_so():
    others = result(PASS, module='FFTW/3-GCC-12', test='EESSI_FFTW')
    report = decided(result(FAIL), others, waivers=(waiver(),))
    assert verdict(report) == 'ACCEPT_WAIVED'
    assert 'W1' in report.judgement.summary
    assert report.judgement.standings[KEY] is Standing.KNOWN
    (excuse,) = [e for e in report.judgement.excuses if e.cases == (KEY,)]
    assert 'https://example.org/issues/1' in excuse.reason


@pytest.mark.parametrize(
    'changes',
    [
        {'check': 'EESSI_LAMMPS*'}, {'target': 'aarch64/*'}, {'software': 'LAMMPS'},
        {'version': '<2022.5'}, {'version': '<=2022'}, {'expires': '2026-11-22'},
        {'expires': '2027-11-23'}, {'expires': '2026-13-01'}, {'check': '*'},
        {'software': '', 'version': ''}, {'version': ''}, {'version': '>=2021'},
        {'target': '*'}, {'software': '*'}, {'version': 'newest'},
        {'software': '', 'version': '', 'digest': 'sha256:' + 'b' * 64},
    ],
)  # fmt: skip
def test_a_waiver_for_something_else_expired_or_over_broad_releases_nothing(changes):
    others = result(PASS, module='FFTW/3-GCC-12', test='EESSI_FFTW')
    report = decided(result(FAIL), others, waivers=(waiver(**changes),))
    assert verdict(report) == 'REJECT'
    assert any(e.subject == 'waiver W1' for e in report.judgement.excuses), 'it is reported'


@pytest.mark.parametrize('outcome', [ERROR, MISSING, ABORTED])
def test_what_is_unknown_is_not_waived(outcome):
    others = result(PASS, module='FFTW/3-GCC-12', test='EESSI_FFTW')
    assert verdict(decided(result(outcome), others, waivers=(waiver(),))) == 'HOLD'


def test_waivers_alone_are_no_evidence():
    assert verdict(decided(result(FAIL), waivers=(waiver(),))) == 'HOLD'


def test_a_finding_is_waived_for_its_software_or_its_tarball():
    by_software = waiver(check='elf-architecture')
    by_digest = waiver(check='elf-architecture', software='', version='', digest=DIGEST)
    for one in (by_software, by_digest):
        report = decided(result(PASS), findings=(FOREIGN,), waivers=(one,))
        assert verdict(report) == 'ACCEPT_WAIVED'
    inside = FOREIGN.model_copy(
        update={'member': '2023.06/software/linux/x86_64/generic/software/Other/1/software/GROMACS/'
                '2022.5/x'}
    )  # fmt: skip
    assert verdict(decided(result(PASS), findings=(inside,), waivers=(by_software,))) == 'REJECT'


def test_a_replay_is_the_same_to_the_byte_and_another_policy_decides_anew():
    rules = policy({'id': 'a', 'checks': ['x'], 'require': 'advisory'})
    report = decided(result(FAIL), findings=(FOREIGN,), waivers=(waiver(),), rules=rules)
    assert render_json(replay(report, rules)) == render_json(report)
    softer = replace(policy({'id': 'a', 'require': 'advisory'}), digest='sha256:other')
    again = replay(report, softer)
    assert verdict(again) == 'ACCEPT'
    assert again.gate is not None
    assert 'another policy' in again.gate.trial


def test_what_was_not_run_is_held_for_that_reason():
    report = decided(method='none', hold='no overlay on this host')
    assert verdict(report) == 'HOLD'
    assert report.judgement.summary == 'gate: no overlay on this host'
    assert TEST not in report.judgement.summary
