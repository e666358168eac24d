"""A bundle is accepted only if all its targets are there, agree, and were run."""

from __future__ import annotations

import pytest
from bundle_material import (
    EXTENSIONS,
    GROMACS,
    NUMPY,
    TARGETS,
    agreeing,
    decided,
    installation,
    policy,
    tarball,
    waiver,
)

from eessi_validate.results.bundle import BundleReport, BundleTarball
from eessi_validate.results.model import Excuse, TarballFinding, VerdictCode

ODD = 'aarch64/generic'


def stopping(report: BundleReport) -> set[tuple[str, str]]:
    """Return effect and check of all that is in the way."""
    return {(each.effect, each.check) for each in report.concerns if each.effect != 'note'}


def with_odd(**changes: object) -> tuple[BundleTarball, ...]:
    """Return a bundle of which the tarball of one target is another."""
    bundle = agreeing()
    bundle[ODD] = bundle[ODD].model_copy(update=changes)
    return tuple(bundle.values())


def test_targets_that_agree_and_were_run_are_accepted():
    report = decided(*agreeing().values())
    assert report.verdict is VerdictCode.ACCEPT
    assert report.differences == ()
    assert set(report.verdicts.values()) == {VerdictCode.ACCEPT}
    (same,) = report.against_base
    assert same.modules == (GROMACS, NUMPY)
    assert set(same.targets['new']) == set(TARGETS)


def test_the_order_of_the_tarballs_does_not_matter():
    bundle = with_odd(installations=(installation(files=1),))
    assert decided(*bundle) == decided(*reversed(bundle))


def lacking(module: str) -> dict[str, object]:
    left = tuple(each for each in agreeing()[ODD].installations if each.name != module)
    return {'installations': left, 'modules': tuple(('', each.name) for each in left)}


@pytest.mark.parametrize(
    ('changes', 'effect', 'check'),
    [
        ({'kind': '', 'target': 'unknown (x)'}, 'reject', 'bundle-tarball-unknown'),
        ({'target': TARGETS[0]}, 'reject', 'bundle-target-twice'),
        ({'kind': 'compat'}, 'reject', 'bundle-types-differ'),
        ({'release': '2025.06'}, 'reject', 'bundle-releases-differ'),
        ({'release': '2023.06-001'}, 'reject', 'bundle-releases-differ'),
        ({'repositories': ('dev.eessi.io',)}, 'reject', 'bundle-repositories-differ'),
        ({'target': 'aarch64/neoverse_v1'}, 'hold', 'bundle-target-unexpected'),
        ({'target': 'aarch64/neoverse_v1'}, 'hold', 'bundle-target-missing'),
        (lacking(NUMPY), 'hold', 'bundle-modules-differ'),
        ({'attested': None, 'attested_by': ''}, 'hold', 'evidence'),
        ({'problem': 'it is no file'}, 'hold', 'inspection'),
    ],
)
def test_a_tarball_that_is_not_like_the_others_is_seen(changes, effect, check):
    report = decided(*with_odd(**changes))
    assert (effect, check) in stopping(report)
    assert report.verdict.value == ('REJECT' if effect == 'reject' else 'HOLD')
    assert check in report.summary or effect == 'hold'


def test_tarballs_of_several_changes_are_rejected():
    bundle = [each.model_copy(update={'change': 'EESSI/software-layer#1'})
              for each in agreeing().values()]  # fmt: skip
    assert decided(*bundle).verdict is VerdictCode.ACCEPT
    bundle[1] = bundle[1].model_copy(update={'change': 'EESSI/compatibility-layer#235'})
    assert stopping(decided(*bundle)) == {('reject', 'bundle-changes-differ')}


def test_an_empty_directory_is_rejected():
    report = decided()
    assert report.verdict is VerdictCode.REJECT
    assert 'bundle-empty' in report.summary


def test_without_a_word_on_the_targets_it_is_held():
    assert ('hold', 'bundle-targets-unknown') in stopping(
        decided(*agreeing().values(), expected=())
    )


@pytest.mark.parametrize(
    ('here', 'words'),
    [
        (EXTENSIONS[:1], 'lacks scipy/1.10.1'),
        (('numpy/1.24.3', 'scipy/1.10.1'), 'lacks numpy/1.24.2; has only here numpy/1.24.3'),
        ((), 'lacks numpy/1.24.2, scipy/1.10.1'),
        (None, 'too many to compare'),
    ],
)
def test_other_extensions_are_told_by_name(here, words):
    odd = (installation(), installation(NUMPY, 3000, extensions=here))
    report = decided(*with_odd(installations=odd))
    assert stopping(report) == {('hold', 'bundle-extensions-differ')}
    (difference,) = report.differences
    assert difference.module == NUMPY
    assert set(difference.targets) == {ODD}
    assert words in difference.targets[ODD]


@pytest.mark.parametrize(('files', 'seen'), [(990, False), (1099, False), (890, True), (0, True)])
def test_only_numbers_of_files_far_from_the_others_are_told(files, seen):
    odd = (installation(files=files), installation(NUMPY, 3000, extensions=EXTENSIONS))
    report = decided(*with_odd(installations=odd))
    assert stopping(report) == ({('hold', 'bundle-files-differ')} if seen else set())


def test_of_two_targets_the_one_with_fewer_files_is_the_odd_one():
    one, two = TARGETS[:2]
    report = decided(
        tarball(one, installation(files=200)), tarball(two, installation(files=100)),
        expected=(one, two),
    )  # fmt: skip
    (difference,) = report.differences
    assert set(difference.targets) == {two}


def test_the_policy_says_what_is_comparable():
    odd = (installation(files=700), installation(NUMPY, 3000, extensions=EXTENSIONS))
    lax = policy(bundle={'file_share': 0.5})
    assert decided(*with_odd(installations=odd), rules=lax).verdict is VerdictCode.ACCEPT


def test_a_module_that_the_base_has_already_is_not_missing():
    report = decided(*with_odd(**lacking(NUMPY)), in_base={ODD: frozenset({('', NUMPY)})})
    assert report.verdict is VerdictCode.ACCEPT
    (change,) = [each for each in report.against_base if each.modules == (NUMPY,)]
    assert change.targets['in base'] == (ODD,)


def test_a_rebuild_on_some_targets_only_is_shown():
    report = decided(*agreeing().values(), in_base={ODD: frozenset({('', GROMACS)})})
    (change,) = [each for each in report.against_base if each.modules == (GROMACS,)]
    assert change.targets['rebuilt'] == (ODD,)
    assert len(change.targets['new']) == 2


def test_a_waiver_releases_one_module_on_one_target_only():
    bundle = with_odd(**lacking(GROMACS))
    report = decided(*bundle, waivers=(waiver(),))
    assert report.verdict is VerdictCode.ACCEPT_WAIVED
    assert report.unused_waivers == ()
    for other in ({'target': 'x86_64/*'}, {'software': 'SciPy-bundle'}, {'version': '<2022.5'}):
        report = decided(*bundle, waivers=(waiver(**other),))
        assert report.verdict is VerdictCode.HOLD
        assert report.unused_waivers == ('W1: not used',)


def test_a_missing_target_is_released_module_by_module():
    bundle = tuple(agreeing()[target] for target in TARGETS[:2])
    known = waiver(check='bundle-target-missing')
    report = decided(*bundle, waivers=(known,))
    assert report.verdict is VerdictCode.HOLD
    assert NUMPY in report.summary
    other = waiver(
        id='W2', check='bundle-target-missing', software='SciPy-bundle', version='<=2023.02'
    )
    assert decided(*bundle, waivers=(known, other)).verdict is VerdictCode.ACCEPT_WAIVED


def test_nothing_releases_what_makes_it_no_bundle():
    lax = policy(rules=[{'id': 'all', 'require': 'advisory', 'mode': 'observe'}])
    for changes in ({'target': TARGETS[0]}, {'release': '2025.06'}, {'kind': 'compat'}):
        assert decided(*with_odd(**changes), rules=lax).verdict is VerdictCode.REJECT


def test_an_advisory_target_may_lack_evidence_but_not_all_of_them():
    lax = policy(rules=[{'id': 'arm', 'targets': ['aarch64/*'], 'require': 'advisory'}])
    assert decided(*with_odd(attested=None), rules=lax).verdict is VerdictCode.ACCEPT
    everything = policy(rules=[{'id': 'all', 'require': 'advisory'}])
    bundle = [each.model_copy(update={'attested': None}) for each in agreeing().values()]
    report = decided(*bundle, rules=everything)
    assert report.verdict is VerdictCode.HOLD
    assert 'not one target' in report.summary


def test_an_attestation_that_does_not_hold_stops_it():
    objection = Excuse(
        subject='attestation', check='subject', cpu_target='', effect='reject',
        reason='it is about another file', release='',
    )  # fmt: skip
    report = decided(*with_odd(attested=VerdictCode.REJECT, objections=(objection,)))
    assert stopping(report) == {('reject', 'subject')}
    assert report.verdicts[ODD] is VerdictCode.REJECT
    assert report.verdicts[TARGETS[0]] is VerdictCode.ACCEPT


def test_findings_of_many_members_are_one_concern():
    found = tuple(
        TarballFinding(id='core-dump', severity='hold', member=f'2023.06/core.{number}',
                       sentence='it is a core dump', waivable=True)
        for number in range(50)
    )  # fmt: skip
    report = decided(*with_odd(findings=found))
    (concern,) = [each for each in report.concerns if each.check == 'core-dump']
    assert concern.counts == {ODD: 50}
    assert concern.reasons == {ODD: '2023.06/core.0: it is a core dump'}


def test_accelerators_are_compared_among_themselves():
    def gpu(target: str, kind: str) -> BundleTarball:
        accel = f'accel/nvidia/{kind}'
        return tarball(f'{target}/{accel}', installation(accel=accel))

    targets = ('x86_64/amd/zen2/accel/nvidia/cc80', 'x86_64/generic/accel/nvidia/cc90')
    gpus = (gpu('x86_64/amd/zen2', 'cc80'), gpu('x86_64/generic', 'cc90'))
    report = decided(*agreeing().values(), *gpus, expected=(*TARGETS, *targets))
    assert report.verdict is VerdictCode.ACCEPT
    lacking_one = gpus[1].model_copy(
        update={'modules': (('accel/nvidia/cc90', 'Other/1.0'),), 'installations': ()}
    )
    report = decided(*agreeing().values(), gpus[0], lacking_one, expected=(*TARGETS, *targets))
    assert stopping(report) == {('hold', 'bundle-modules-differ')}
