"""The Debian archive that the host itself uses, read from its apt sources. Pure parsers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

#: Suites of the Debian archive proper; third-party archives use other names or components.
DEBIAN_SUITES = frozenset(
    (
        *('oldoldstable', 'oldstable', 'stable', 'testing', 'unstable', 'sid'),
        *('bullseye', 'bookworm', 'trixie', 'forky'),
    )
)


@dataclass(frozen=True)
class Source:
    """One archive of an apt source: URI, suite, components."""

    uri: str
    suite: str
    components: tuple[str, ...]
    signed_by: str = ''


@dataclass(frozen=True)
class Mirrors:
    """Base URIs of the Debian archive and of its security archive; empty when unknown."""

    main: str = ''
    security: str = ''


def parse_list(text: str) -> list[Source]:
    """One-line-style sources (sources.list(5)); comments, deb-src and broken lines are left out."""
    found = []
    for line in text.splitlines():
        match = re.match(r'^\s*deb\s+(?:\[([^]]*)\]\s+)?(\S+)\s+(\S+)\s*([^#]*)', line)
        if match:
            options, uri, suite, components = match.groups()
            signed = re.search(r'signed-by=(\S+)', options or '')
            found.append(
                Source(uri, suite, tuple(components.split()), signed.group(1) if signed else '')
            )
    return found


def parse_deb822(text: str) -> list[Source]:
    """Deb822-style sources (sources.list(5)); disabled stanzas are left out."""
    found = []
    for stanza in re.split(r'\n[ \t]*\n', text):
        fields = _stanza(stanza)
        if 'deb' not in fields.get('types', '').split() or fields.get('enabled', 'yes') == 'no':
            continue
        for uri in fields.get('uris', '').split():
            for suite in fields.get('suites', '').split():
                components = tuple(fields.get('components', '').split())
                found.append(Source(uri, suite, components, fields.get('signed-by', '')))
    return found


def _stanza(stanza: str) -> Mapping[str, str]:
    fields: dict[str, str] = {}
    key = ''
    for line in stanza.splitlines():
        if line.startswith('#') or not line.strip():
            continue
        if line[0] in ' \t':
            fields[key] = f'{fields.get(key, "")} {line.strip()}'
            continue
        key, _, value = line.partition(':')
        key = key.strip().lower()
        fields[key] = value.strip()
    return fields


def choose_mirrors(sources: Iterable[Source]) -> Mirrors:
    """The first http(s) archive of Debian main, and the first security archive."""
    main = security = ''
    for source in sources:
        suite, _, pocket = source.suite.partition('-' if '-' in source.suite else '/')
        if suite not in DEBIAN_SUITES or 'main' not in source.components:
            continue
        if not source.uri.startswith(('http://', 'https://')):
            continue
        if pocket.startswith('security') or (pocket == 'updates' and '/' in source.suite):
            security = security or source.uri.rstrip('/')
        elif pocket in ('', 'updates'):
            main = main or source.uri.rstrip('/')
    return Mirrors(main, security)


def host_mirrors(etc_apt: Path) -> Mirrors:
    """Mirrors named below the host's apt directory (usually ``/etc/apt``)."""
    sources: list[Source] = []
    for path in (etc_apt / 'sources.list', *sorted(etc_apt.glob('sources.list.d/*'))):
        try:
            text = path.read_text(encoding='utf-8', errors='replace')
        except OSError:
            continue
        if path.suffix == '.list':
            sources += parse_list(text)
        elif path.suffix == '.sources':
            sources += parse_deb822(text)
    return choose_mirrors(sources)


def mirrors_from_option(uri: str) -> Mirrors:
    """Mirrors for ``--mirror URI``: the security archive is its sibling ``<URI>-security``."""
    base = uri.rstrip('/')
    return Mirrors(base, f'{base}-security')
