"""The table of what a local stack can hold: releases, architectures, software, sets.

Read from ``configs/eessi_configs/localstack.yaml``; nothing here touches the network or the disk
beyond that one file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from typing import Any

import yaml

from eessi_validate.errors import UsageError, unknown_name

SECURITY_SUFFIX = '-security'


@dataclass(frozen=True)
class Rewrite:
    """Compiled-in paths of text files: glob patterns, and pattern -> replacement."""

    files: tuple[str, ...]
    replace: Mapping[str, str]


@dataclass(frozen=True)
class VersionRule:
    """How an EasyBuild-like version is found in the Debian version of a package."""

    package: str
    pattern: str = r'^(\d+(?:\.\d+)*)'
    prefix: str = ''
    fixed: str = ''


@dataclass(frozen=True)
class Compiled:
    """How an sdist is compiled: against which installations, with whose headers.

    `headers` are packages, `include` directories in them; `link` maps the name that the linker
    looks for to ``INSTALLATION/file``; `patch` has texts to be replaced, by file of the source.
    """

    sdist: str
    against: tuple[str, ...]
    headers: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    link: Mapping[str, str] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    patch: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Pypi:
    """What comes from PyPI: requirements (PEP 508), and which of them have no wheel there.

    `sdists` must be pure Python: the wheel that pip builds of them has to fit any machine.
    """

    requirements: tuple[str, ...]
    sdists: tuple[str, ...] = ()
    compiled: Compiled | None = None


@dataclass(frozen=True)
class Software:
    """One line of the software table: what becomes one installation and one module."""

    name: str
    description: str
    moduleclass: str
    packages: tuple[str, ...]
    depends: tuple[str, ...]
    toolchain: str | None
    suffix_of: str | None
    version: VersionRule | None
    bundle: bool = False
    exclude: tuple[str, ...] = ()
    library_dirs: tuple[str, ...] = ()
    links: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    copy: Mapping[str, str] = field(default_factory=dict)
    append: Mapping[str, str] = field(default_factory=dict)
    rewrite: tuple[Rewrite, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    env_of_major: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    prepend: Mapping[str, str] = field(default_factory=dict)
    pypi: Pypi | None = None
    compat_links: Mapping[str, str] = field(default_factory=dict)
    remove: tuple[str, ...] = ()
    unavailable: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Architecture:
    """A CPU family: Debian's name, multiarch triplet, and where the loader lies."""

    name: str
    debian: str
    triplet: str
    loader: str


@dataclass(frozen=True)
class Release:
    """A release of the local stack and the Debian suite it is made of."""

    name: str
    suite: str
    security: bool
    toolchains: Mapping[str, str]
    words: Mapping[str, str]


@dataclass(frozen=True)
class CompatLayer:
    """What the compatibility layer is made of."""

    packages: tuple[str, ...]
    exclude: tuple[str, ...]
    library_dirs: tuple[str, ...]
    links: Mapping[str, tuple[str, ...]]
    host_links: tuple[str, ...]
    rewrite: tuple[Rewrite, ...]


@dataclass(frozen=True)
class Catalogue:
    """The whole table, with look-ups that name the nearest valid entries."""

    repository: str
    releases: Mapping[str, Release]
    architectures: Mapping[str, Architecture]
    cpu_targets: Mapping[str, Mapping[str, Any]]
    drop_packages: tuple[str, ...]
    exclude_files: tuple[str, ...]
    #: Of every installation, before its own.
    rewrite: tuple[Rewrite, ...]
    compat: CompatLayer
    sets: Mapping[str, tuple[str, ...]]
    table: Mapping[str, Any]

    def release(self, name: str, *, security: bool = False) -> Release:
        """The release called `name`; `security` asks for its sibling with security updates."""
        if security and not name.endswith(SECURITY_SUFFIX):
            name += SECURITY_SUFFIX
        if name not in self.releases:
            raise unknown_name('release', name, self.releases)
        return self.releases[name]

    def architecture(self, name: str) -> Architecture:
        if name not in self.architectures:
            raise unknown_name('architecture', name, self.architectures)
        return self.architectures[name]

    def software(self, release: Release, arch: Architecture) -> dict[str, Software]:
        """The software table for one release and architecture, placeholders filled in."""
        words = {**release.words, 'triplet': arch.triplet, 'debian': arch.debian}
        return {n: _software(n, row, words) for n, row in self.table.items()}

    def select(self, names: Iterable[str]) -> list[str]:
        """Software for sets and names, dependencies first and added; UsageError if unknown."""
        chosen: list[str] = []
        for name in names:
            for software in self.sets.get(name, (name,)):
                if software not in self.table:
                    raise unknown_name('software or set', software, [*self.table, *self.sets])
                self._add(software, chosen)
        return chosen

    def _add(self, name: str, chosen: list[str]) -> None:
        for dependency in self.table[name].get('depends', ()):
            self._add(dependency, chosen)
        if name not in chosen:
            chosen.append(name)


def dependencies(name: str, table: Mapping[str, Software]) -> list[str]:
    """Everything `name` depends on, nearest first, without itself."""
    found: list[str] = []
    for direct in table[name].depends:
        for each in (direct, *dependencies(direct, table)):
            if each not in found:
                found.append(each)
    return found


@lru_cache(maxsize=1)
def load_catalogue() -> Catalogue:
    """Read the table that travels with the package."""
    text = files('eessi_configs').joinpath('localstack.yaml').read_text(encoding='utf-8')
    return parse_catalogue(yaml.load(text, Loader=getattr(yaml, 'CSafeLoader', yaml.SafeLoader)))


def parse_catalogue(data: Mapping[str, Any]) -> Catalogue:
    """Build a Catalogue from the parsed table; UsageError names what is missing in it."""
    try:
        compat = data['compat']
        return Catalogue(
            repository=data['repository'],
            releases=_releases(data['releases']),
            architectures={n: Architecture(n, **a) for n, a in data['architectures'].items()},
            cpu_targets=data['cpu_targets'],
            drop_packages=tuple(data['drop_packages']),
            exclude_files=tuple(data['exclude_files']),
            rewrite=_rewrites(data.get('rewrite', ()), {}),
            compat=CompatLayer(
                packages=tuple(compat['packages']),
                exclude=tuple(compat.get('exclude', ())),
                library_dirs=tuple(compat.get('library_dirs', ())),
                links=_links(compat.get('links', {}), {}),
                host_links=tuple(compat.get('host_links', ())),
                rewrite=_rewrites(compat.get('rewrite', ()), {}),
            ),
            sets={n: tuple(s) for n, s in data['sets'].items()},
            table=data['software'],
        )
    except KeyError as missing:
        raise UsageError(f'the table of the local stack has no entry {missing}') from None


def _releases(rows: Mapping[str, Any]) -> dict[str, Release]:
    found = {}
    for name, row in rows.items():
        words = {k: str(v) for k, v in row.items() if k not in ('suite', 'toolchains')}
        for security in (False, True):
            full = name + SECURITY_SUFFIX * security
            found[full] = Release(full, row['suite'], security, row['toolchains'], words)
    return found


def _fill(text: str, words: Mapping[str, str]) -> str:
    for word, value in words.items():
        text = text.replace(f'{{{word}}}', value)
    return text


def _links(rows: Mapping[str, Any], words: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    return {
        _fill(link, words): tuple(
            _fill(t, words) for t in ([target] if isinstance(target, str) else target)
        )
        for link, target in rows.items()
    }


def _rewrites(rows: Iterable[Mapping[str, Any]], words: Mapping[str, str]) -> tuple[Rewrite, ...]:
    return tuple(
        Rewrite(tuple(_fill(f, words) for f in row['files']), row['replace']) for row in rows
    )


def _software(name: str, row: Mapping[str, Any], words: Mapping[str, str]) -> Software:
    def filled(key: str) -> tuple[str, ...]:
        return tuple(_fill(str(v), words) for v in row.get(key, ()))

    def mapping(of: Mapping[str, Any]) -> dict[str, str]:
        return {k: _fill(str(v), words) for k, v in of.items()}

    packages = filled('packages')
    wheels = row.get('pypi')
    rule = mapping(row.get('version', {}))
    version = None
    if 'fixed_version' in row:
        version = VersionRule('', fixed=_fill(row['fixed_version'], words))
    elif packages or rule:
        version = VersionRule(**{'package': packages[0] if packages else '', **rule})
    return Software(
        name=name,
        description=row['description'],
        moduleclass=row['class'],
        packages=packages,
        depends=tuple(row.get('depends', ())),
        toolchain=row.get('toolchain'),
        suffix_of=row.get('suffix_of'),
        version=version,
        bundle=bool(row.get('bundle', False)),
        exclude=filled('exclude'),
        library_dirs=filled('library_dirs'),
        links=_links(row.get('links', {}), words),
        copy=mapping(row.get('copy', {})),
        append=mapping(row.get('append', {})),
        rewrite=_rewrites(row.get('rewrite', ()), words),
        env=mapping(row.get('env', {})),
        env_of_major={k: mapping(v) for k, v in row.get('env_of_major', {}).items()},
        prepend=mapping(row.get('prepend', {})),
        pypi=_pypi(wheels, words) if wheels else None,
        compat_links={_fill(k, words): v for k, v in mapping(row.get('compat_links', {})).items()},
        remove=filled('remove'),
        unavailable=row.get('unavailable', {}),
    )


def _pypi(row: Mapping[str, Any], words: Mapping[str, str]) -> Pypi:
    requirements = tuple(_fill(r, words) for r in row['requirements'])
    compiled = row.get('compiled')
    return Pypi(
        requirements,
        tuple(row.get('sdists', ())),
        _compiled(compiled, words) if compiled else None,
    )


def _compiled(row: Mapping[str, Any], words: Mapping[str, str]) -> Compiled:
    return Compiled(
        sdist=row['sdist'],
        against=tuple(row['against']),
        headers=tuple(_fill(h, words) for h in row.get('headers', ())),
        include=tuple(_fill(d, words) for d in row.get('include', ())),
        link={k: _fill(v, words) for k, v in row.get('link', {}).items()},
        env={k: _fill(str(v), words) for k, v in row.get('env', {}).items()},
        patch=row.get('patch', {}),
    )
