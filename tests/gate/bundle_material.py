"""Material for decisions on bundles: tarballs of some CPU targets that agree in everything."""

from __future__ import annotations

import datetime
from typing import Any

from eessi_validate.gate.bundle.decide import BundleFacts, decide_bundle
from eessi_validate.gate.decision.policy_file import LoadedPolicy, PolicyFile
from eessi_validate.results.bundle import BundleInstallation, BundleReport, BundleTarball
from eessi_validate.results.model import VerdictCode, Waiver

DAY = datetime.date(2026, 11, 23)
TARGETS = ('x86_64/generic', 'x86_64/amd/zen2', 'aarch64/generic')
GROMACS, NUMPY = 'GROMACS/2022.5-foss-2022b', 'SciPy-bundle/2023.02-gfbf-2022b'
EXTENSIONS = ('numpy/1.24.2', 'scipy/1.10.1')


def installation(name: str = GROMACS, files: int = 1000, **changes: Any) -> BundleInstallation:
    return BundleInstallation(name=name, files=files, **changes)


def tarball(target: str, *installed: BundleInstallation, **changes: Any) -> BundleTarball:
    installed = installed or (installation(), installation(NUMPY, 3000, extensions=EXTENSIONS))
    values: dict[str, Any] = {
        'tarball': f'eessi-2023.06-software-linux-{target.replace("/", "-")}-1700000000.tar.zst',
        'digest': f'sha256:{len(target):064x}', 'size': 1000, 'target': target,
        'cpu_target': target.partition('/accel/')[0], 'kind': 'software', 'os': 'linux',
        'release': '2023.06', 'top': '2023.06', 'repositories': ('software.eessi.io',),
        'files': sum(each.files for each in installed), 'installations': installed,
        'modules': tuple((each.accel, each.name) for each in installed),
        'attested_by': 'gate@example.org', 'attested': VerdictCode.ACCEPT,
    }  # fmt: skip
    return BundleTarball(**{**values, **changes})


def agreeing() -> dict[str, BundleTarball]:
    return {target: tarball(target) for target in TARGETS}


def policy(**content: Any) -> LoadedPolicy:
    values = {'schema_version': 1, 'name': 'p', **content}
    return LoadedPolicy(PolicyFile.model_validate(values), 'sha256:policy')


def waiver(**changes: str) -> Waiver:
    values = {
        'id': 'W1', 'check': 'bundle-modules-differ', 'target': 'aarch64/*',
        'software': 'GROMACS', 'version': '<=2022.5', 'issue': 'https://example.org/1',
        'owner': 'someone', 'expires': '2026-12-31',
    }  # fmt: skip
    return Waiver(**{**values, **changes})


def decided(
    *tarballs: BundleTarball,
    expected: tuple[str, ...] = TARGETS,
    in_base: dict[str, frozenset[tuple[str, str]]] | None = None,
    rules: LoadedPolicy | None = None,
    waivers: tuple[Waiver, ...] = (),
) -> BundleReport:
    facts = BundleFacts(
        repository='software.eessi.io', expected=expected, expected_by='the policy',
        in_base=in_base or {}, context='ingest', day=DAY, waivers=waivers,
    )  # fmt: skip
    return decide_bundle(tarballs, facts, rules or policy())
