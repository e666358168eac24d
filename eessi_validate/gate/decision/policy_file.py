"""Policy files: which failures count, where and when. Schema: ``policies/policy-1.schema.json``."""

from __future__ import annotations

import datetime
import hashlib
import json
from dataclasses import dataclass
from fnmatch import fnmatchcase
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from eessi_validate.errors import UsageError

Context = Literal['build', 'upload', 'ingest', 'compat-security', 'monitor']
CONTEXTS: tuple[Context, ...] = ('build', 'upload', 'ingest', 'compat-security', 'monitor')

#: A policy file is a page, not a book.
_LARGEST = 1 << 20


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra='forbid')


class Rule(_Part):
    """What to ask of checks in some contexts, on some CPU targets, for some time."""

    id: str = Field(min_length=1)
    #: Empty: all of them.
    contexts: tuple[Context, ...] = ()
    #: CPU targets, ``*`` for any characters; the compat layer's is its architecture.
    targets: tuple[str, ...] = ('*',)
    #: Ids of findings, names of tests, or ``coverage``; ``*`` for any characters.
    checks: tuple[str, ...] = ('*',)
    #: ``no-regression`` releases what fails on the base too, ``advisory`` everything.
    require: Literal['pass', 'no-regression', 'advisory'] = 'pass'
    #: Only ``enforce`` stops a tarball; ``warn`` and ``observe`` introduce a rule softly.
    mode: Literal['observe', 'warn', 'enforce'] = 'enforce'
    #: First and last day on which the rule counts.
    valid_from: datetime.date | None = None
    valid_until: datetime.date | None = None

    def applies(self, context: str, target: str, check: str, day: datetime.date) -> bool:
        """Say whether this rule is about a check on a CPU target on one day."""
        return (
            (not self.contexts or context in self.contexts)
            and any(matches(target, pattern) for pattern in self.targets)
            and any(fnmatchcase(check, pattern) for pattern in self.checks)
            and (self.valid_from is None or self.valid_from <= day)
            and (self.valid_until is None or day <= self.valid_until)
        )


class SignatureRules(_Part):
    """What is asked of the signatures that a tarball and its metadata come with."""

    #: Whether a tarball without a verified signature is rejected, and one whose metadata have none.
    required: bool = False
    #: Principals whose signature counts; empty: all that the allowed signers name.
    principals: tuple[str, ...] = ()
    #: Namespaces that count, e.g. the name of a build bot; empty: all that the signers may use.
    namespaces: tuple[str, ...] = ()


class BundleRules(_Part):
    """What is asked of the tarballs of one change together."""

    #: CPU targets that must be there; empty: those that the release has in the base stack.
    targets: tuple[str, ...] = ()
    #: How far the number of files of an installation may be from that of most targets: a share
    #: of it, or so many files, whichever is more.
    file_share: float = Field(default=0.1, ge=0, le=1)
    file_slack: int = Field(default=10, ge=0)


class AttestationRules(_Part):
    """What ``verify`` asks of an attestation."""

    max_age_days: int = Field(default=30, ge=1, le=365)
    #: Principals whose signature counts; empty: all that the allowed signers name.
    principals: tuple[str, ...] = ()
    #: What a base does that is no longer the one that was tested on.
    drift: Literal['hold', 'note'] = 'hold'


class PolicyFile(_Part):
    """A policy. The first rule that applies counts; where none does, everything must pass."""

    schema_version: Literal[1]
    name: str = Field(min_length=1)
    description: str = ''
    rules: tuple[Rule, ...] = ()
    #: Versions from which official runs are made, as reports record them, by name.
    pins: dict[str, str] = Field(default_factory=dict)
    attestation: AttestationRules = AttestationRules()
    signature: SignatureRules = SignatureRules()
    bundle: BundleRules = BundleRules()

    def rule(self, context: str, target: str, check: str, day: datetime.date) -> Rule:
        """Return the rule that counts."""
        for rule in self.rules:
            if rule.applies(context, target, check, day):
                return rule
        return _EVERYTHING_PASSES


_EVERYTHING_PASSES = Rule(id='everything must pass')


@dataclass(frozen=True)
class LoadedPolicy:
    """A policy and the digest of its file."""

    policy: PolicyFile
    digest: str


def matches(target: str, pattern: str) -> bool:
    """Say whether a CPU target, or an architecture alone, is one of a pattern's."""
    return fnmatchcase(target, pattern) or fnmatchcase(f'{target}/', pattern)


def load_policy(path: Path | None = None) -> LoadedPolicy:
    """Return the policy in ``path``, else the strict one that ships.

    :raises UsageError: if it cannot be read or does not follow the schema.
    """
    name = str(path) if path else 'strict'
    try:
        data = path.read_bytes() if path else shipped_policy('strict')
    except OSError as error:
        raise UsageError(f'no policy at {path}: {error.strerror}') from error
    content = read_yaml(data, name)
    try:
        policy = PolicyFile.model_validate(content)
    except ValidationError as error:
        raise UsageError(f'{name} is no policy: {first_fault(error)}') from error
    return LoadedPolicy(policy, f'sha256:{hashlib.sha256(data).hexdigest()}')


def shipped_policy(name: str) -> bytes:
    """Return the file of a policy that ships."""
    return files('eessi_configs').joinpath('policies').joinpath(f'{name}.yaml').read_bytes()


def policy_schema() -> dict[str, Any]:
    """Return the JSON Schema of policy files."""
    schema = PolicyFile.model_json_schema()
    schema['$schema'] = 'https://json-schema.org/draft/2020-12/schema'
    schema['$id'] = 'urn:eessi-validate:policy:1'
    return schema


def schema_text(schema: dict[str, Any]) -> str:
    """Return a schema as it ships."""
    return json.dumps(schema, indent=2, sort_keys=True) + '\n'


class _Loader(yaml.SafeLoader):
    """Refuses a key that is there twice, and leaves dates as text."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    keys = [loader.construct_object(key) for key, _ in node.value]
    repeated = [key for key in keys if keys.count(key) > 1]
    if repeated:
        raise yaml.YAMLError(f'the key {repeated[0]!r} is there twice')
    return {
        loader.construct_object(k): loader.construct_object(v, deep=True) for k, v in node.value
    }


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def _text(loader: _Loader, node: yaml.ScalarNode) -> str:
    return str(loader.construct_scalar(node))


_Loader.add_constructor('tag:yaml.org,2002:timestamp', _text)


def read_yaml(data: bytes, name: str) -> Any:
    """Return the content of a small YAML file.

    :raises UsageError: if it is none, too large, or says something twice.
    """
    if len(data) > _LARGEST:
        raise UsageError(f'{name} is larger than {_LARGEST} bytes')
    try:
        # Aliases could make little text very much data.
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(data)):
            raise UsageError(f'{name} has YAML aliases: write it out')
        return yaml.load(data, Loader=_Loader)
    except (yaml.YAMLError, ValueError, RecursionError, TypeError) as error:
        text = ' '.join(str(error).split())
        raise UsageError(f'{name} is no YAML that can be read: {text}') from error


def first_fault(error: ValidationError) -> str:
    """Return the first fault of a file that does not follow its schema, in one line."""
    fault = error.errors()[0]
    return f'{".".join(map(str, fault["loc"]))}: {fault["msg"]}'
