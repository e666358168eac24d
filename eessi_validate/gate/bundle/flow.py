"""The gate of a bundle: read every tarball once, in one process or several, and decide on all."""

from __future__ import annotations

import datetime
import multiprocessing
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from eessi_validate.errors import HoldError, UsageError
from eessi_validate.gate.bundle.collect import BundleFile, collect
from eessi_validate.gate.bundle.decide import BundleFacts, decide_bundle
from eessi_validate.gate.bundle.differences import Module
from eessi_validate.gate.bundle.examine import Setting, examine, has_module
from eessi_validate.gate.decision.policy_file import load_policy
from eessi_validate.gate.decision.waivers import load_waivers
from eessi_validate.gate.versions import gate_versions
from eessi_validate.results.bundle import BundleReport, BundleTarball
from eessi_validate.stack.layout import Stack, open_stack
from eessi_validate.stack.targets import find_target


@dataclass(frozen=True)
class BundleRequest:
    """What the command line asks of the gate of a bundle."""

    directory: Path
    stack: Path
    policy: Path | None = None
    waivers: Path | None = None
    #: Who may have signed tarballs and attestations; None: neither is looked at.
    allowed_signers: Path | None = None
    #: Targets that must be there; empty: as the policy says, else as in the base stack.
    targets: tuple[str, ...] = ()
    context: str = 'ingest'
    processes: int = 1
    now: datetime.datetime | None = None


def gate_bundle(request: BundleRequest) -> BundleReport:
    """Decide on all tarballs of a directory together; nothing is extracted or run.

    :raises UsageError: for what the request names and is not there.
    :raises HoldError: if nothing can be decided.
    """
    start = time.monotonic()
    now = request.now or datetime.datetime.now(datetime.timezone.utc)
    policy, (waivers, _) = load_policy(request.policy), load_waivers(request.waivers)
    stack = open_stack(request.stack)
    signers = request.allowed_signers
    if signers is not None and not signers.is_file():
        raise UsageError(f'no allowed signers at {signers}')
    named = tuple(_canonical(name) for name in request.targets or policy.policy.bundle.targets)
    files = collect(request.directory)
    setting = Setting(stack.root, policy, signers, request.context, now)
    tarballs = tuple(_examined(files, setting, request.processes))
    expected, said_by = named, 'the command line' if request.targets else 'the policy'
    if not named:
        expected, said_by = _targets_of_base(stack, tarballs), 'the base stack'
    facts = BundleFacts(
        repository=stack.repository,
        expected=expected,
        expected_by=said_by if expected else 'nothing',
        in_base=_in_base(stack, tarballs, expected),
        context=request.context,
        day=now.date(),
        waivers=waivers,
    )
    report = decide_bundle(tarballs, facts, policy)
    seconds = round(time.monotonic() - start, 2)
    return report.model_copy(update={'seconds': seconds, 'versions': gate_versions()})


def _examined(
    files: Sequence[BundleFile], setting: Setting, processes: int
) -> Iterator[BundleTarball]:
    if processes <= 1 or len(files) <= 1:
        yield from (examine(file, setting) for file in files)
        return
    # Not forked: a reader of its own is started for each tarball, and threads do not survive that.
    context = multiprocessing.get_context('spawn')
    # The largest first, so that no process ends long after the others.
    largest_first = sorted(files, key=lambda file: -_size(file.tarball))
    try:
        with ProcessPoolExecutor(min(processes, len(files)), mp_context=context) as pool:
            yield from pool.map(partial(examine, setting=setting), largest_first)
    except BrokenProcessPool as error:
        raise HoldError(f'a process that reads tarballs was ended: {error}') from error


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:
        return 0


def _canonical(name: str) -> str:
    """Return a target by its name in the table, with its accelerators as they are."""
    cpu_target, found, accel = name.partition('/accel/')
    if not found and '/' not in name:
        return name  # the architecture of a compat layer, or a type
    return find_target(cpu_target).name + found + accel


def _targets_of_base(stack: Stack, tarballs: Sequence[BundleTarball]) -> tuple[str, ...]:
    """Return what the release has in the base stack, of the kind that the tarballs are of."""
    first = next((each for each in tarballs if each.kind), None)
    if first is None or first.release not in stack.release_names:
        return ()
    release = stack.release(first.release)
    if first.kind == 'compat':
        return tuple(release.compat_families())
    if first.kind != 'software':
        return (first.kind,)
    targets = tuple(dict.fromkeys(_canonical(name) for name in release.cpu_targets))
    # Accelerators are not told apart there: what a bundle brings for them is taken as it is.
    brought = [each.target for each in tarballs if '/accel/' in each.target]
    if brought and all('/accel/' in each.target for each in tarballs if each.kind):
        return tuple(brought)
    return tuple(dict.fromkeys((*targets, *brought)))


def _in_base(
    stack: Stack, tarballs: Sequence[BundleTarball], expected: Sequence[str]
) -> dict[str, frozenset[Module]]:
    """Return which modules of the bundle each target has in the base stack."""
    modules = {module for each in tarballs for module in each.modules}
    release = next((each.release for each in tarballs if each.kind == 'software'), '')
    if release not in stack.release_names:
        return {}
    found: dict[str, frozenset[Module]] = {}
    paths = {_canonical(path): path for path in stack.release(release).cpu_targets}
    paths |= {each.target: each.cpu_target for each in tarballs}
    for target in dict.fromkeys((*expected, *paths)):
        name, _, accel = target.partition('/accel/')
        root = stack.release(release).software(paths.get(target) or paths.get(name) or name)
        own = f'accel/{accel}' if accel else ''
        there = set()
        for where, module in modules:
            here = own if where and own else where
            directory = root / here if here else root
            if has_module(directory, module):
                there.add((here, module))
        found[target] = frozenset(there)
    return found
