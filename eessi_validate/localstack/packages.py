"""Package records and the partition of a closure into compat layer and installations. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

_RELATION = re.compile(r'^\s*([a-z0-9][a-z0-9+.-]*)')


@dataclass(frozen=True)
class Package:
    """One binary package of the archive, as its signed index describes it."""

    name: str
    version: str
    arch: str
    size: int
    sha256: str
    depends: tuple[tuple[str, ...], ...] = ()
    provides: tuple[str, ...] = ()
    control: str = ''

    @property
    def file(self) -> str:
        """The name of apt's copy in its archive cache (the colon of an epoch is ``%3a``)."""
        return f'{self.name}_{self.version.replace(":", "%3a")}_{self.arch}.deb'


def parse_packages(text: str) -> dict[str, Package]:
    """Read what ``apt-cache show`` prints; the first record of a name counts."""
    found: dict[str, Package] = {}
    for record in re.split(r'\n{2,}', text.strip()):
        fields = dict(_fields(record))
        if 'Package' not in fields:
            continue
        package = Package(
            name=fields['Package'],
            version=fields['Version'],
            arch=fields['Architecture'],
            size=int(fields['Size']),
            sha256=fields.get('SHA256', ''),
            depends=tuple(
                _names(group, '|')
                for key in ('Pre-Depends', 'Depends')
                for group in fields.get(key, '').split(',')
                if group.strip()
            ),
            provides=_names(fields.get('Provides', ''), ','),
            control=record,
        )
        found.setdefault(package.name, package)
    return found


def _fields(record: str) -> Iterator[tuple[str, str]]:
    """The fields of one control record, folded lines joined (Debian Policy 5.1)."""
    for line in re.sub(r'\n[ \t]+', ' ', record).splitlines():
        key, colon, value = line.partition(':')
        if colon:
            yield key, value.strip()


def _names(text: str, separator: str) -> tuple[str, ...]:
    return tuple(m.group(1) for part in text.split(separator) if (m := _RELATION.match(part)))


def closure(seeds: Iterable[str], chosen: Mapping[str, Package]) -> list[str]:
    """Names within `chosen` that `seeds` need, seeds first.

    Of alternatives the first that was chosen counts, as a package or as one that provides it.
    """
    providers: dict[str, str] = {}
    for package in chosen.values():
        for virtual in package.provides:
            providers.setdefault(virtual, package.name)

    def pick(names: Sequence[str]) -> str | None:
        for name in names:
            if name in chosen:
                return name
            if name in providers:
                return providers[name]
        return None

    found: dict[str, None] = {}
    queue = [pick((s,)) for s in seeds]
    while queue:
        name = queue.pop(0)
        if name is None or name in found:
            continue
        found[name] = None
        queue += [pick(group) for group in chosen[name].depends]
    return list(found)


def partition(
    compat_seeds: Sequence[str],
    seeds: Mapping[str, Sequence[str]],
    depends: Mapping[str, Sequence[str]],
    chosen: Mapping[str, Package],
    drop: Sequence[str],
) -> dict[str, list[str]]:
    """Packages of the compat layer (key ``''``) and of each installation.

    An installation owns its closure without the compat layer's and without those of the
    installations it depends on; a library that two unrelated ones need is owned by both.
    """
    unwanted = re.compile('|'.join(f'(?:{d})' for d in drop) or r'(?!)')
    closures = {'': closure(compat_seeds, chosen)}
    closures |= {name: closure(wanted, chosen) for name, wanted in seeds.items()}
    owned = {}
    for name, names in closures.items():
        taken = set() if name == '' else set(closures[''])
        for dependency in depends.get(name, ()):
            taken.update(closures.get(dependency, ()))
        owned[name] = [n for n in names if n not in taken and not unwanted.fullmatch(n)]
    return owned


def without_source(control: str) -> str:
    """A control record without the fields that only an index has."""
    index_only = ('Filename:', 'Size:', 'MD5sum:', 'SHA1:', 'SHA256:', 'SHA512:')
    return '\n'.join(line for line in control.splitlines() if not line.startswith(index_only))
