"""EESSI's lists of known issues, taken over as waivers. Pure.

The form (EESSI software-layer, ``eessi-<release>-known-issues.yml``)::

    - aarch64/neoverse_v1:
      - ESPResSo-4.2.1-foss-2023a:
        - issue: https://github.com/EESSI/software-layer/issues/363
        - info: "failing tests"

It says for which target and installation something is known to fail, and where that is discussed;
not who answers for it, nor until when. An entry that does not say, by itself or by an option, all
that a waiver must say is refused, and so is one that could be meant in two ways.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml
from pydantic import ValidationError

from eessi_validate.errors import UsageError
from eessi_validate.gate.decision.policy_file import first_fault, matches
from eessi_validate.gate.decision.waivers import why_void
from eessi_validate.results.model import Waiver
from eessi_validate.stack.modules import split_version
from eessi_validate.stack.targets import cpu_targets

_KEYS = ('issue', 'info', 'owner', 'expires')
_VERSION = re.compile(r'-(?=v?\d)')
_SHOWN = 300


@dataclass(frozen=True)
class Completion:
    """What options say where an entry does not."""

    owner: str = ''
    #: Last day, e.g. ``2026-12-31``.
    expires: str = ''
    issue: str = ''
    #: What is waived: names of tests, ``*`` for any characters.
    check: str = 'EESSI_*'


@dataclass(frozen=True)
class Imported:
    """A waiver and what the entry tells besides."""

    waiver: Waiver
    info: str


@dataclass(frozen=True)
class Refused:
    """An entry by name, and why it is no waiver."""

    entry: str
    reason: str


class _Unclear(Exception):
    """An entry that cannot be taken over."""


def import_known_issues(
    content: Any, completion: Completion, day: datetime.date
) -> tuple[tuple[Imported, ...], tuple[Refused, ...]]:
    """Return the entries that make waivers which count on ``day``, and the others.

    :arg content: what the YAML file holds.
    :raises UsageError: if it is no list of known issues at all.
    """
    taken: dict[str, Imported] = {}
    refused: list[Refused] = []
    for target, name, facts in _entries(content):
        entry = f'{target}: {name}'[:_SHOWN]
        try:
            made = _waiver(target, name, facts, completion)
            if why := why_void(made.waiver, day):
                raise _Unclear(why)
            if made.waiver.id in taken:
                raise _Unclear('it is there twice')
        except _Unclear as error:
            refused.append(Refused(entry, str(error)))
        else:
            taken[made.waiver.id] = made
    return tuple(taken.values()), tuple(refused)


def render_waivers(imported: tuple[Imported, ...], source: str) -> str:
    """Return a file of waivers; what the list of known issues tells besides becomes comments."""
    lines = [f'# Taken over from {_one_line(source)}; review each before you use it.']
    lines += ['schema_version: 1', f'waivers:{"" if imported else " []"}']
    for each in imported:
        if each.info:
            lines.append(f'# {_one_line(each.info)}')
        values = {k: v for k, v in each.waiver.model_dump().items() if v}
        text = yaml.safe_dump([values], sort_keys=False, allow_unicode=False, width=1000)
        lines.append(text.rstrip('\n'))
    return '\n'.join(lines) + '\n'


def _entries(content: Any) -> Iterator[tuple[str, str, Any]]:
    for target, installations in _pairs(content, 'the file'):
        for name, facts in _pairs(installations, target):
            yield target, name, facts


def _pairs(content: Any, where: str) -> Iterator[tuple[str, Any]]:
    """Iterate over a list of maps with one key each, or over one map."""
    parts = [content] if isinstance(content, Mapping) else content
    if not isinstance(parts, list) or not all(isinstance(part, Mapping) for part in parts):
        raise UsageError(
            f'{where[:_SHOWN]} is no list of known issues: expected "- TARGET:", below it '
            '"- NAME-VERSION:", below it "- issue: URL"'
        )
    for part in parts:
        for key, value in part.items():
            yield str(key), value


def _waiver(target: str, name: str, facts: Any, completion: Completion) -> Imported:
    told = _told(facts)
    software, version = _software(name)
    _require_target(target)
    values = {
        'issue': told.get('issue') or completion.issue,
        'owner': told.get('owner') or completion.owner,
        'expires': told.get('expires') or completion.expires,
    }
    lacking = [key for key, value in values.items() if not value]
    if lacking:
        raise _Unclear(f'it has no {" and no ".join(lacking)}')
    identity = re.sub(r'[^0-9A-Za-z._+-]', '-', f'known-{target}-{name}')
    try:
        waiver = Waiver(
            id=identity,
            check=completion.check,
            target=target,
            software=software,
            # Not more than is known: another version may be sound.
            version=f'=={version}',
            **values,
        )
    except ValidationError as error:
        raise _Unclear(first_fault(error)) from error
    return Imported(waiver, told.get('info', ''))


def _told(facts: Any) -> dict[str, str]:
    try:
        pairs = list(_pairs(facts, 'it')) if facts is not None else []
    except UsageError as error:
        raise _Unclear('what it says is no list of "issue: URL" and "info: TEXT"') from error
    told: dict[str, str] = {}
    for key, value in pairs:
        if key not in _KEYS:
            raise _Unclear(f'it says {key[:_SHOWN]!r}, which is none of {", ".join(_KEYS)}')
        if key in told and key != 'info':
            raise _Unclear(f'it says {key} twice')
        if isinstance(value, Mapping | list):
            raise _Unclear(f'its {key} is no text')
        text = '' if value is None else str(value).strip()
        told[key] = f'{told[key]}; {text}' if key in told else text
    return told


def _software(name: str) -> tuple[str, str]:
    """Return software and version of ``<name>-<version>[-<toolchain><suffix>]``."""
    before, _ = split_version(name)
    places = [found.start() for found in _VERSION.finditer(before)]
    if len(places) != 1 or not places[0]:
        why = 'no version' if not places else 'more than one place where a version may begin'
        raise _Unclear(f'its name has {why}')
    return before[: places[0]], before[places[0] + 1 :]


def _require_target(target: str) -> None:
    known = [name for each in cpu_targets() for name in (each.name, *each.aliases)]
    if not any(matches(name, target) for name in known):
        raise _Unclear('its target is none of the table of CPU targets')


def _one_line(text: str) -> str:
    return ' '.join(''.join(c if c.isprintable() else ' ' for c in text).split())[:_SHOWN]
