"""In what the tarballs of one change differ, between targets and against the base. Pure."""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from eessi_validate.gate.decision.policy_file import BundleRules
from eessi_validate.results.bundle import (
    AgainstBase,
    BundleInstallation,
    BundleTarball,
    Difference,
)

#: Accelerator directory and name of a module.
Module = tuple[str, str]

_SHOWN = 5


def differences(
    tarballs: Sequence[BundleTarball],
    expected: Sequence[str],
    in_base: Mapping[str, frozenset[Module]],
    repository: str,
    rules: BundleRules,
) -> tuple[Difference, ...]:
    """Return all differences that matter, those of whole tarballs first.

    :arg expected: targets that must be there; empty if that is not known.
    :arg in_base: modules of the bundle that the base stack has, by target.
    """
    known = [each for each in tarballs if each.kind]
    found = [
        *_unknown(tarballs),
        *_twice(known),
        *_not_one(known, repository),
        *_targets(known, expected, in_base),
    ]
    for group in _comparable(known):
        found += _modules(group, in_base)
        found += _extensions(group)
        found += _files(group, rules)
    return tuple(found)


def against_base(
    tarballs: Sequence[BundleTarball], in_base: Mapping[str, frozenset[Module]]
) -> tuple[AgainstBase, ...]:
    """Return what each module is to the base stack, modules of one kind together."""
    groups: dict[tuple[tuple[str, tuple[str, ...]], ...], list[str]] = defaultdict(list)
    for group in _comparable(tarballs):
        shipped = {each.target: frozenset(each.modules) for each in group}
        for module in sorted(set[Module]().union(*shipped.values())):
            where: dict[str, list[str]] = defaultdict(list)
            for target, modules in shipped.items():
                known = module in in_base.get(target, frozenset())
                if module in modules:
                    where['rebuilt' if known else 'new'].append(target)
                else:
                    where['in base' if known else 'missing'].append(target)
            pattern = tuple((kind, tuple(targets)) for kind, targets in sorted(where.items()))
            groups[pattern].append(shown(module))
    return tuple(
        AgainstBase(modules=tuple(names), targets=dict(pattern))  # type: ignore[arg-type]
        for pattern, names in sorted(groups.items(), key=lambda item: (len(item[0]), item[1]))
    )


def shown(module: Module) -> str:
    """Return a module as it is shown."""
    accel, name = module
    return f'{name} in {accel}' if accel else name


def _unknown(tarballs: Iterable[BundleTarball]) -> Iterator[Difference]:
    for each in tarballs:
        if not each.kind:
            reason = each.problem or 'neither its name nor its content say what it is for'
            yield Difference(check='bundle-tarball-unknown', targets={each.target: reason})


def _twice(known: Sequence[BundleTarball]) -> Iterator[Difference]:
    by_target: dict[str, list[str]] = defaultdict(list)
    for each in known:
        by_target[each.target].append(each.tarball)
    for target, names in by_target.items():
        if len(names) > 1:
            reason = f'{len(names)} tarballs: {", ".join(sorted(names))}'
            yield Difference(check='bundle-target-twice', targets={target: reason})


def _not_one(known: Sequence[BundleTarball], repository: str) -> Iterator[Difference]:
    for check, word, values in (
        ('bundle-types-differ', 'type', [each.kind for each in known]),
        ('bundle-releases-differ', 'release', [each.release for each in known]),
        ('bundle-changes-differ', 'change', [each.change for each in known]),
    ):
        said = Counter(value for value in values if value)
        if len(said) > 1:
            most = said.most_common(1)[0][0]
            targets = {
                each.target: f'the {word} is {value}, on most targets {most}'
                for each, value in zip(known, values, strict=True)
                if value and value != most
            }
            yield Difference(check=check, targets=targets)
    foreign = {
        each.target: f'modules are of {", ".join(others)}, not of {repository}'
        for each in known
        if (others := [name for name in each.repositories if name != repository])
    }
    if foreign:
        yield Difference(check='bundle-repositories-differ', targets=foreign)


def _targets(
    known: Sequence[BundleTarball],
    expected: Sequence[str],
    in_base: Mapping[str, frozenset[Module]],
) -> Iterator[Difference]:
    if not expected:
        if known:
            reason = 'nothing says which targets are expected'
            targets = {each.target: reason for each in known}
            yield Difference(check='bundle-targets-unknown', targets=targets)
        return
    there = {each.target for each in known}
    for target in expected:
        if target in there:
            continue
        # What an accelerator gets says nothing of what a CPU target lacks, nor the other way.
        like = [each for each in known if _has_accel(each.target) == _has_accel(target)]
        modules = set[Module]().union(*(_generalised(each.modules) for each in like))
        absent = sorted(modules - _generalised(in_base.get(target, frozenset())))
        for accel, name in absent:
            yield Difference(
                check='bundle-target-missing',
                accel=accel,
                module=name,
                targets={target: 'there is no tarball for this target'},
            )
        if not absent:
            reason = 'there is no tarball for this target'
            yield Difference(check='bundle-target-missing', targets={target: reason})
    for each in known:
        if each.target not in expected:
            reason = 'a tarball for this target is not expected'
            yield Difference(check='bundle-target-unexpected', targets={each.target: reason})


def _comparable(known: Sequence[BundleTarball]) -> list[list[BundleTarball]]:
    """Return software tarballs with and without accelerators apart: they hold other things."""
    groups: dict[bool, list[BundleTarball]] = {}
    for each in known:
        if each.kind == 'software':
            groups.setdefault(_has_accel(each.target), []).append(each)
    return list(groups.values())


def _has_accel(target: str) -> bool:
    return '/accel/' in target


def _anywhere(accel: str) -> str:
    """Return an accelerator directory without the generation: others get the same software."""
    return accel.rpartition('/')[0]


def _modules(
    group: Sequence[BundleTarball], in_base: Mapping[str, frozenset[Module]]
) -> Iterator[Difference]:
    shipped = {each.target: _generalised(each.modules) for each in group}
    have = {
        target: modules | _generalised(in_base.get(target, frozenset()))
        for target, modules in shipped.items()
    }
    for accel, name in sorted(set[Module]().union(*shipped.values())):
        lack = [target for target in have if (accel, name) not in have[target]]
        if lack:
            others = len(have) - len(lack)
            reason = f'it is not there, but on {others} other target{"s" * (others != 1)}'
            yield Difference(
                check='bundle-modules-differ',
                accel=accel,
                module=name,
                targets=dict.fromkeys(lack, reason),
            )


def _generalised(modules: Iterable[Module]) -> frozenset[Module]:
    return frozenset((_anywhere(accel), name) for accel, name in modules)


def _installations(
    group: Sequence[BundleTarball],
) -> dict[Module, dict[str, BundleInstallation]]:
    found: dict[Module, dict[str, BundleInstallation]] = defaultdict(dict)
    for each in group:
        for one in each.installations:
            found[_anywhere(one.accel), one.name][each.target] = one
    return dict(sorted(found.items()))


def _extensions(group: Sequence[BundleTarball]) -> Iterator[Difference]:
    for (accel, name), by_target in _installations(group).items():
        lists = {target: one.extensions for target, one in by_target.items()}
        usual = Counter(lists.values()).most_common(1)[0][0]
        if usual is None and len(set(lists.values())) > 1:
            usual = next(each for each in lists.values() if each is not None)
        targets = {
            target: _how_extensions_differ(here, usual)
            for target, here in lists.items()
            if here != usual
        }
        if targets:
            yield Difference(
                check='bundle-extensions-differ', accel=accel, module=name, targets=targets
            )


def _how_extensions_differ(here: tuple[str, ...] | None, usual: tuple[str, ...] | None) -> str:
    if here is None or usual is None:
        return 'its extensions are too many to compare'
    lacks, more = sorted(set(usual) - set(here)), sorted(set(here) - set(usual))
    parts = [f'lacks {_some(lacks)}'] * bool(lacks) + [f'has only here {_some(more)}'] * bool(more)
    return '; '.join(parts)


def _some(names: Sequence[str]) -> str:
    more = f' and {len(names) - _SHOWN} more' if len(names) > _SHOWN else ''
    return ', '.join(names[:_SHOWN]) + more


def _files(group: Sequence[BundleTarball], rules: BundleRules) -> Iterator[Difference]:
    for (accel, name), by_target in _installations(group).items():
        # Of two, the smaller one is the odd one: files that are missing do more harm.
        usual = statistics.median_high(one.files for one in by_target.values())
        allowed = max(rules.file_slack, rules.file_share * usual)
        targets = {
            target: f'{one.files} files, on most targets {usual}'
            for target, one in by_target.items()
            if abs(one.files - usual) > allowed
        }
        if targets:
            yield Difference(check='bundle-files-differ', accel=accel, module=name, targets=targets)
