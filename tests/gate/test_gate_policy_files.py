"""Policy and waiver files: what ships is valid, and what is not said clearly is refused."""

from __future__ import annotations

from importlib.resources import files

import jsonschema
import pytest
import yaml

from eessi_validate.errors import UsageError
from eessi_validate.gate.decision.policy_file import load_policy, policy_schema, schema_text
from eessi_validate.gate.decision.waivers import load_waivers, waiver_schema, within

POLICIES = files('eessi_configs').joinpath('policies')
HEAD = 'schema_version: 1\nname: p\n'


@pytest.mark.parametrize('name', ['strict', 'eessi'])
def test_what_ships_follows_the_published_schema(name, tmp_path):
    text = POLICIES.joinpath(f'{name}.yaml').read_text(encoding='utf-8')
    jsonschema.validate(yaml.safe_load(text), policy_schema())
    path = tmp_path / 'p.yaml'
    path.write_text(text)
    assert load_policy(path).policy.rules or name == 'strict'


def test_the_published_schemas_are_those_of_the_models():
    for name, schema in (('policy', policy_schema()), ('waivers', waiver_schema())):
        shipped = POLICIES.joinpath(f'{name}-1.schema.json').read_text(encoding='utf-8')
        assert shipped == schema_text(schema)


def test_without_a_file_everything_must_pass():
    assert load_policy().policy.name == 'strict'
    assert load_policy().policy.rules == ()


@pytest.mark.parametrize(
    'text',
    [
        '', '[]', 'name: p', HEAD + 'rule: []', HEAD + 'name: q',
        HEAD + 'rules: [{id: a, require: maybe}]', HEAD + 'rules: [{id: a, mode: off}]',
        HEAD + 'rules: [{id: a, contexts: [somewhere]}]', HEAD + 'rules: [{require: pass}]',
        HEAD + 'rules: [{id: a, valid_until: soon}]', HEAD + 'rules: &r []\npins: *r',
        HEAD + 'rules: [', 'schema_version: 2\nname: p', '!!python/object:os.system {}',
    ],
)  # fmt: skip
def test_an_unclear_policy_is_refused(text, tmp_path):
    path = tmp_path / 'p.yaml'
    path.write_text(text)
    with pytest.raises(UsageError):
        load_policy(path)


WAIVER = """schema_version: 1
waivers:
- {id: W1, check: EESSI_GROMACS_WaterBox, target: aarch64/*, software: GROMACS,
   version: <=2022.5, issue: 'https://example.org/1', owner: someone, expires: 2026-12-01}
"""


def test_waivers_are_read_with_their_digest(tmp_path):
    path = tmp_path / 'w.yaml'
    path.write_text(WAIVER)
    (waiver,), digest = load_waivers(path)
    assert (waiver.expires, digest[:7]) == ('2026-12-01', 'sha256:')
    assert load_waivers(None) == ((), '')


@pytest.mark.parametrize(
    'missing', ['id: W1, ', ", issue: 'https://example.org/1'"[2:] + ', ', 'owner: someone, ',
                ', expires: 2026-12-01'],
)  # fmt: skip
def test_a_waiver_needs_issue_owner_and_expiry(missing, tmp_path):
    assert missing in WAIVER
    path = tmp_path / 'w.yaml'
    path.write_text(WAIVER.replace(missing, ''))
    with pytest.raises(UsageError):
        load_waivers(path)


def test_two_waivers_do_not_share_an_id(tmp_path):
    path = tmp_path / 'w.yaml'
    path.write_text(WAIVER + WAIVER.split('waivers:\n')[1])
    with pytest.raises(UsageError, match='two waivers'):
        load_waivers(path)


@pytest.mark.parametrize(
    ('version', 'bounds', 'expected'),
    [
        ('2022.5', '<=2022.5', True), ('2022.6', '<=2022.5', False), ('2022.10', '<=2022.9', False),
        ('2022.5', '<2022.5', False), ('2021', '>=2021,<=2022', True), ('2.0rc1', '<2.0', True),
        ('2.0.1', '<=2.0', False), ('2.0', '==2.0', True), ('2.0', '<=', False),
        ('', '<=2', False), ('2.0', '', False), ('2.0', '<=3,nonsense', False),
    ],
)  # fmt: skip
def test_versions_are_compared_by_their_parts(version, bounds, expected):
    assert within(version, bounds) is expected
