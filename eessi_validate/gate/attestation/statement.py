"""The statement: in-toto's test result for one tarball, with what our own verification needs.

Sources: in-toto attestation framework, ``spec/v1/statement.md`` and
``spec/predicates/test-result.md``. Monotonic parsing allows fields of our own in the predicate.
"""

from __future__ import annotations

import json
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from eessi_validate.errors import HoldError, UsageError
from eessi_validate.results.model import Report, VerdictCode, Waiver

STATEMENT_TYPE = 'https://in-toto.io/Statement/v1'
PREDICATE_TYPE = 'https://in-toto.io/attestation/test-result/v0.1'

#: An attestation is small; its signature covers every byte.
_LARGEST = 16 << 20

_RESULTS: dict[VerdictCode, Literal['PASSED', 'WARNED', 'FAILED']] = {
    VerdictCode.ACCEPT: 'PASSED',
    VerdictCode.ACCEPT_WAIVED: 'WARNED',
    VerdictCode.REJECT: 'FAILED',
    VerdictCode.HOLD: 'FAILED',
}


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra='forbid')


class Digest(_Part):
    """Digests of a resource, in hexadecimal."""

    sha256: str = Field(pattern=r'^[0-9a-f]{64}$')


class Resource(_Part):
    """A resource by name and digest."""

    name: str
    digest: Digest


class Extension(_Part):
    """What the gate knew when it decided."""

    verdict: VerdictCode
    context: str
    cpu_target: str
    repository: str
    release: str
    root: str
    base_digest: str
    #: Digest of the report that the statement sums up.
    report: Digest
    waivers: tuple[Waiver, ...]
    #: When the run began, in ISO 8601 with its offset.
    started: str
    #: Versions of tool, library, ReFrame and Python, and the CPU that ran the cases.
    versions: dict[str, str]
    cpu: str


class Predicate(_Part):
    """in-toto's test result, version 0.1, and our extension."""

    result: Literal['PASSED', 'WARNED', 'FAILED']
    configuration: tuple[Resource, ...]
    passedTests: tuple[str, ...] = ()
    warnedTests: tuple[str, ...] = ()
    failedTests: tuple[str, ...] = ()
    eessi_validate: Extension


class Statement(_Part):
    """in-toto's statement about one tarball."""

    type_: Literal['https://in-toto.io/Statement/v1'] = Field(alias='_type')
    subject: tuple[Resource, ...] = Field(min_length=1, max_length=1)
    predicateType: Literal['https://in-toto.io/attestation/test-result/v0.1']
    predicate: Predicate


def make_statement(report: Report, report_sha256: str) -> bytes:
    """Return the statement about an official run, as the bytes to sign.

    :arg report_sha256: digest of the report as it was written, in hexadecimal.
    :raises UsageError: if the report is that of a trial, or not of a gate.
    """
    gate, judgement = report.gate, report.judgement
    if gate is None:
        raise UsageError('only the report of a gate can be attested')
    if gate.trial:
        raise UsageError(f'a trial cannot be signed: {gate.trial}')
    standings = judgement.standings
    named = {'passed': 'passedTests', 'known': 'warnedTests'}
    tests: dict[str, list[str]] = {'passedTests': [], 'warnedTests': [], 'failedTests': []}
    for key in sorted(standings):
        tests[named.get(standings[key].value, 'failedTests')].append(key)
    policy = Resource(name=judgement.policy, digest=_digest(gate.policy_digest))
    predicate = Predicate(
        result=_RESULTS[judgement.verdict],
        configuration=(policy,),
        **{name: tuple(keys) for name, keys in tests.items()},
        eessi_validate=Extension(
            verdict=judgement.verdict,
            context=gate.context,
            cpu_target=gate.cpu_target,
            repository=report.subject.repository,
            release=report.subject.release,
            root=report.subject.root,
            base_digest=gate.base_digest,
            report=Digest(sha256=report_sha256),
            waivers=gate.waivers,
            started=report.run.started,
            versions=report.run.versions,
            cpu=f'{report.run.host.cpu_model} ({report.run.host.cpu_target})',
        ),
    )
    content = {
        '_type': STATEMENT_TYPE,
        'subject': [
            Resource(name=gate.tarball, digest=_digest(report.subject.digest)).model_dump()
        ],
        'predicateType': PREDICATE_TYPE,
        'predicate': predicate.model_dump(mode='json'),
    }
    return (json.dumps(content, indent=1, sort_keys=True) + '\n').encode()


def read_statement(data: bytes) -> Statement:
    """Return a statement from the bytes whose signature was verified.

    :raises HoldError: if they are none.
    """
    if len(data) > _LARGEST:
        raise HoldError(f'the attestation is larger than {_LARGEST} bytes')
    try:
        return Statement.model_validate(json.loads(data, object_pairs_hook=_once))
    except (ValueError, RecursionError, ValidationError) as error:
        text = ' '.join(str(error).split())[:300]
        raise HoldError(f'the attestation is no statement of a gate: {text}') from error


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError('a key is there twice')
    return found


def _digest(text: str) -> Digest:
    return Digest(sha256=text.removeprefix('sha256:'))
