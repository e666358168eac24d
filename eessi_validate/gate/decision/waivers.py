"""Waivers: reviewed exceptions with an issue, an owner and an end."""

from __future__ import annotations

import datetime
import hashlib
import re
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from eessi_validate.errors import UsageError
from eessi_validate.gate.decision.policy_file import first_fault, matches, read_yaml
from eessi_validate.results.model import Waiver

#: A waiver that ends later than this many days ahead does not count.
LONGEST_DAYS = 90

_BOUND = re.compile(r'\s*(<=|>=|==|<|>)\s*([0-9A-Za-z][0-9A-Za-z.+_-]*)\s*')
_PART = re.compile(r'\d+|[A-Za-z]+')


class WaiverFile(BaseModel):
    """A file of waivers. Schema: ``policies/waivers-1.schema.json``."""

    model_config = ConfigDict(frozen=True, extra='forbid')
    schema_version: Literal[1]
    waivers: tuple[Waiver, ...] = ()


def load_waivers(path: Path | None) -> tuple[tuple[Waiver, ...], str]:
    """Return the waivers in ``path`` and the file's digest; none and '' without a file.

    :raises UsageError: if the file cannot be read or does not follow the schema.
    """
    if path is None:
        return (), ''
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f'no waivers at {path}: {error.strerror}') from error
    try:
        waivers = WaiverFile.model_validate(read_yaml(data, str(path))).waivers
    except ValidationError as error:
        raise UsageError(f'{path} is no file of waivers: {first_fault(error)}') from error
    names = [waiver.id for waiver in waivers]
    if repeated := next((name for name in names if names.count(name) > 1), ''):
        raise UsageError(f'{path} has two waivers with the id {repeated}')
    return waivers, f'sha256:{hashlib.sha256(data).hexdigest()}'


def waiver_schema() -> dict[str, Any]:
    """Return the JSON Schema of files of waivers."""
    schema = WaiverFile.model_json_schema()
    schema['$schema'] = 'https://json-schema.org/draft/2020-12/schema'
    schema['$id'] = 'urn:eessi-validate:waivers:1'
    return schema


def why_void(waiver: Waiver, day: datetime.date) -> str:
    """Return why a waiver does not count on a day; '' if it does."""
    try:
        expires = datetime.date.fromisoformat(waiver.expires)
    except ValueError:
        return f'it expires on {waiver.expires}, which is no day'
    if expires < day:
        return f'it expired on {waiver.expires}'
    if (expires - day).days > LONGEST_DAYS:
        return f'it expires on {waiver.expires}, more than {LONGEST_DAYS} days ahead'
    return _why_over_broad(waiver)


def _why_over_broad(waiver: Waiver) -> str:
    if not waiver.check.strip('*?[]!'):
        return 'it is over-broad: it names no check'
    if waiver.digest:
        return ''
    if not waiver.software or '*' in waiver.software:
        return 'it is over-broad: it names neither a software nor the digest of a tarball'
    if not _has_upper_bound(waiver.version):
        return 'it is over-broad: its version has no upper bound such as <=2022.5'
    if not waiver.target.strip('*?[]!/'):
        return 'it is over-broad: it names no CPU target'
    return ''


def covering(
    waivers: Iterable[Waiver], check: str, target: str, software: str, version: str, digest: str
) -> Waiver | None:
    """Return the first waiver that covers a check; ``waivers`` all count today."""
    for waiver in waivers:
        if not fnmatchcase(check, waiver.check) or not matches(target, waiver.target):
            continue
        if waiver.digest and waiver.digest != digest:
            continue
        if waiver.software and waiver.software != software:
            continue
        if waiver.version and not within(version, waiver.version):
            continue
        return waiver
    return None


def within(version: str, bounds: str) -> bool:
    """Say whether a version is within bounds such as ``>=2021,<=2022.5``; '' is in none."""
    parsed = _bounds(bounds)
    if not version or not parsed:
        return False
    here = _order(version)
    for operator, other in parsed:
        there = _order(other)
        fits = {
            '<=': here <= there, '<': here < there, '==': here == there,
            '>=': here >= there, '>': here > there,
        }[operator]  # fmt: skip
        if not fits:
            return False
    return True


def _has_upper_bound(bounds: str) -> bool:
    return any(operator in ('<=', '<', '==') for operator, _ in _bounds(bounds))


def _bounds(text: str) -> list[tuple[str, str]]:
    """Return operators and versions; nothing at all where one part is no bound."""
    found = [_BOUND.fullmatch(part) for part in text.split(',')]
    return [(match[1], match[2]) for match in found if match] if all(found) else []


def _order(version: str) -> tuple[tuple[int, int, str], ...]:
    """Return a key: numbers by value, and 2.0rc1 before 2.0 before 2.0.1."""
    parts = [
        (2, int(part), '') if part.isdigit() else (0, 0, part.lower())
        for part in _PART.findall(version)
    ]
    return (*parts, (1, 0, ''))
