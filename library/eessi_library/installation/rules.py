"""Allow rules: what the checks would report and a reviewed reason explains. Data in rules.json.

A rule names the check (a pattern), the members, the software and the subject it is about, and
says why. Whatever it explains is counted in the report under its id, never dropped silently.
"""

from __future__ import annotations

import fnmatch
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Final

from .model import Observation

#: Fields of a rule that hold patterns, in the order of AllowRule.
_PATTERNS: Final = ('software', 'member', 'subject', 'repository')


@dataclass(frozen=True, slots=True)
class AllowRule:
    """One row of rules.json; every pattern is fnmatch's, and ``*`` when left out."""

    id: str
    check: str
    reason: str
    software: tuple[str, ...] = ('*',)
    member: tuple[str, ...] = ('*',)
    subject: tuple[str, ...] = ('*',)
    #: Names of stacks: that of the root, which whoever runs the check gives, never the subject.
    repository: tuple[str, ...] = ('*',)

    def explains(self, repository: str, software: str, observation: Observation) -> bool:
        """True when this rule is about an observation of an installation of ``software``."""
        return (
            fnmatch.fnmatchcase(observation.check, self.check)
            and any(fnmatch.fnmatchcase(repository, p) for p in self.repository)
            and any(fnmatch.fnmatchcase(software, p) for p in self.software)
            and any(fnmatch.fnmatchcase(observation.member, p) for p in self.member)
            and any(fnmatch.fnmatchcase(observation.subject, p) for p in self.subject)
        )


@cache
def _document() -> tuple[dict[str, Any], str]:
    data = resources.files(__package__).joinpath('rules.json').read_bytes()
    return json.loads(data), hashlib.sha256(data).hexdigest()


def table(name: str) -> Any:
    """Return one table of rules.json."""
    return _document()[0][name]


def abi_of(family: str) -> tuple[int, int, int]:
    """Return class, data encoding and machine of the ELF objects of a CPU family."""
    machine = table('machines')[family]
    return machine['class'], machine['data'], machine['machine']


def rules_digest() -> str:
    """Return a digest of all rules: part of the key of everything that is cached."""
    return _document()[1]


class RuleError(ValueError):
    """A rule that cannot be used; the text says which, and why."""


@cache
def allow_rules() -> tuple[AllowRule, ...]:
    """Return the allow rules that ship with the checks, in the order of the table."""
    return _rules(table('allow'), 'rules.json')


def read_rules(path: str) -> tuple[AllowRule, ...]:
    """Return the allow rules of a file of one's own: JSON, a list of rows or ``{"allow": [...]}``.

    Raises RuleError for a row without id, check or reason or with a key that does not exist.
    """
    try:
        with open(path, encoding='utf-8') as file:
            data = json.load(file)
    except (OSError, ValueError) as error:
        raise RuleError(f'{path}: {error}') from None
    rows = data.get('allow') if isinstance(data, dict) else data
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise RuleError(f'{path}: expected a list of rules')
    return _rules(rows, path)


def _rules(rows: list[dict[str, Any]], origin: str) -> tuple[AllowRule, ...]:
    for number, row in enumerate(rows, 1):
        where = f'{origin}: rule {number} ({row.get("id", "without id")})'
        for key in ('id', 'check', 'reason'):
            if not isinstance(row.get(key), str) or not row[key].strip():
                raise RuleError(f'{where} has no {key}')
        unknown = sorted(set(row) - {'id', 'check', 'reason', *_PATTERNS})
        if unknown:
            raise RuleError(f'{where}: there is no key {unknown[0]!r}')
        for key in _PATTERNS:
            value = row.get(key, ['*'])
            if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
                raise RuleError(f'{where}: {key} must be a list of patterns')
        if all(row.get(key, ['*']) == ['*'] for key in _PATTERNS):
            raise RuleError(f'{where} would explain everything: name software, member or subject')
    return tuple(
        AllowRule(
            row['id'],
            row['check'],
            row['reason'],
            *(tuple(row.get(name, ['*'])) for name in _PATTERNS),
        )
        for row in rows
    )


def judge(
    repository: str,
    software: str,
    observations: Iterable[Observation],
    more_rules: tuple[AllowRule, ...] = (),
) -> tuple[list[Observation], dict[str, int]]:
    """Return what no rule explains, and how many observations each rule explained."""
    left: list[Observation] = []
    allowed: dict[str, int] = {}
    for observation in observations:
        for rule in (*allow_rules(), *more_rules):
            if rule.explains(repository, software, observation):
                allowed[rule.id] = allowed.get(rule.id, 0) + 1
                break
        else:
            left.append(observation)
    return left, allowed
