"""Check installations: what to do, by whom, and what need not be done again.

The calling process walks, asks the cache and hands out units; workers read, disassemble and run.
Few units are under way at any time, and an installation is forgotten once it is reported: memory
does not grow with the number of installations. Reports come in the order of the requests.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import itertools
import multiprocessing
import os
import signal
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final

from . import dependence, work
from .cache import Cache
from .dependence import Unchanged
from .emulation import why_no_emulation
from .files import check_place
from .inventory import Member, fingerprint, walk
from .isa import features, judgement
from .isa.features import FeatureUse
from .model import (
    DYNAMIC_GROUPS,
    EMULATION,
    InstallationReport,
    InstallationRequest,
    Observation,
    Severity,
    group,
)
from .node import cannot_run, node_identity
from .rules import AllowRule, judge, rules_digest

#: Raise it when a check changes what it says: cached answers of other versions are not used.
CHECKS_VERSION: Final = 6

#: Groups that look at one member after the other.
_OF_MEMBERS: Final = ('files', 'text', 'linkage', 'isa')

#: Members of one unit of reading.
_SLICE: Final = 2_000

#: <linux/prctl.h>
_PR_SET_PDEATHSIG: Final = 1

#: Workers besides one for each CPU: programs that start MPI wait for half of the time (those of
#: Quantum ESPRESSO: 27.8 s for 11.5 s of CPU), and nobody else would use the CPU meanwhile.
_SPARE: Final = 1

#: Units under way for each worker, and installations begun and not yet reported.
_AHEAD: Final = 4


@dataclass
class _Pending:
    """One installation that is being checked."""

    request: InstallationRequest
    began: float
    members: list[Member] = field(default_factory=list)
    digest: str = ''
    #: (key of the cache, answer or where it will come from)
    reading: list[tuple[str, Any]] = field(default_factory=list)
    running: list[tuple[str, Any]] = field(default_factory=list)
    codes: list[tuple[str, str, Any]] = field(default_factory=list)
    not_run: list[tuple[str, str]] = field(default_factory=list)
    observations: list[Observation] = field(default_factory=list)
    elf_objects: int = 0
    fresh: int = 0


def check_installations(
    requests: Iterable[InstallationRequest],
    cache_path: str | None = None,
    workers: int | None = None,
    *,
    remember_runs: bool = True,
    more_rules: tuple[AllowRule, ...] = (),
) -> Iterator[InstallationReport]:
    """Yield a report for each installation, in the order of the requests.

    ``cache_path``: a file that remembers answers between runs (None: nothing is remembered).
    ``workers``: processes; one more than usable CPUs when None. ``remember_runs=False``: what is
    loaded and started is so in this run, whatever was seen before; only what files say may be
    remembered.
    ``more_rules``: allow rules besides those that ship with the checks.
    A run that is cut off goes on where it was; closing the iterator stops the workers.
    """
    count = workers or len(os.sched_getaffinity(0)) + _SPARE
    dependence.tree_signature.cache_clear()
    # Forked: a caller needs no "if __name__ == '__main__'", and starting costs 10 ms.
    context = multiprocessing.get_context('fork')
    pool = ProcessPoolExecutor(count, context, initializer=_begin_worker, initargs=(os.getpid(),))
    try:
        with Cache(cache_path) as cache:
            checker = _Checker(cache, pool, remember_runs, more_rules)
            waiting = iter(requests)
            begun: deque[_Pending] = deque()
            for request in itertools.islice(waiting, _AHEAD * count):
                begun.append(checker.begin(request))
            while begun:
                yield checker.finish(begun.popleft())
                for request in itertools.islice(waiting, 1):
                    begun.append(checker.begin(request))
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _begin_worker(caller: int) -> None:
    """Leave Ctrl-C to the caller, and end with it.

    Ctrl-C reaches the whole process group and must not end a unit in the middle; a handler, not
    SIG_IGN, because what a worker starts gets the default back. A worker whose caller was killed
    would wait for ever, and hold the caller's output open: the kernel ends it (prctl(2)).
    """
    signal.signal(signal.SIGINT, lambda *_: None)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != caller:
        os._exit(1)


class _Checker:
    def __init__(
        self,
        cache: Cache,
        pool: Executor,
        remember_runs: bool,
        more_rules: tuple[AllowRule, ...],
    ) -> None:
        self._cache = cache
        self._pool = pool
        self._remember_runs = remember_runs
        self._more_rules = more_rules
        self._unchanged = Unchanged()
        self._version = f'{CHECKS_VERSION}:{rules_digest()}'
        #: code digest -> answer on its way, so that equal code of one run is scanned once
        self._scanning: dict[str, Future[Any]] = {}

    def begin(self, request: InstallationRequest) -> _Pending:
        pending = _Pending(request, time.monotonic())
        try:
            pending.members = list(walk(request.real_path))
        except OSError as error:
            reason = f'the installation cannot be listed: {error.strerror}'
            pending.observations.append(
                Observation('files/unreadable', Severity.ERROR, '.', 'installation', reason)
            )
            return pending
        pending.digest = fingerprint(pending.members)
        if 'files' in request.groups:
            pending.observations += check_place(request)
        if any(name in request.groups for name in _OF_MEMBERS):
            for start in range(0, len(pending.members), _SLICE):
                self._read(pending, pending.members[start : start + _SLICE])
        if 'metadata' in request.groups:
            self._read_metadata(pending)
        if any(name in request.groups for name in DYNAMIC_GROUPS):
            self._run(pending)
        if EMULATION in request.groups:
            self._emulate(pending)
        return pending

    def finish(self, pending: _Pending) -> InstallationReport:
        request = pending.request
        elf: list[str] = []
        archives: list[str] = []
        try:
            for key, answer in pending.reading:
                value = self._take(key, answer)
                pending.observations += work.observed(value['found'])
                elf += value['elf']
                archives += value['archives']
            if 'isa' in request.groups:
                self._scan(pending, [*elf, *archives])
            for key, answer in pending.running:
                value = self._take(key, answer)
                pending.observations += work.observed(value['found'])
            self._judge_code(pending)
        except BrokenExecutor:
            raise  # a worker was killed: nothing more can be said of any installation
        except Exception as error:  # noqa: BLE001 - one installation that cannot be judged
            text = f'the check itself failed: {type(error).__name__}: {error}'
            pending.not_run += [(name, text) for name in request.groups]
        repository, software = request.release.repository, request.name.split('/')[0]
        left, allowed = judge(repository, software, pending.observations, self._more_rules)
        return InstallationReport(
            request,
            tuple(group(request.name, left)),
            pending.digest,
            sum(member.is_file for member in pending.members),
            len(elf),
            pending.fresh == 0,
            time.monotonic() - pending.began,
            allowed,
            tuple(dict.fromkeys(pending.not_run)),
        )

    def _read(self, pending: _Pending, members: Sequence[Member]) -> None:
        static = [g for g in ('files', 'text', 'linkage') if g in pending.request.groups]
        key = self._key('read', pending.request, ','.join(static), fingerprint(members))
        known = self._known(key)
        if known is None:
            pending.fresh += 1
            known = self._pool.submit(work.read_members, pending.request, members)
        pending.reading.append((key, known))

    def _read_metadata(self, pending: _Pending) -> None:
        key = self._key('metadata', pending.request, pending.digest)
        known = self._known(key)
        if known is None:
            pending.fresh += 1
            links = [member for member in pending.members if member.target is not None]
            known = self._pool.submit(work.read_metadata, pending.request, links)
        pending.running.append((key, known))

    def _run(self, pending: _Pending) -> None:
        request = pending.request
        groups = [name for name in DYNAMIC_GROUPS if name in request.groups]
        why = cannot_run(request.release)
        if why:
            pending.not_run += [(name, why) for name in groups]
            return
        key = self._key('run', request, ','.join(groups), pending.digest, node_identity())
        known = self._known(key) if self._remember_runs else None
        if known is None:
            pending.fresh += 1
            known = self._pool.submit(work.run_installation, request)
        pending.running.append((key, known))

    def _emulate(self, pending: _Pending) -> None:
        request = pending.request
        why = why_no_emulation(request.release)
        if why:
            pending.not_run.append((EMULATION, why))
            return
        key = self._key('emulate', request, pending.digest)
        known = self._known(key) if self._remember_runs else None
        if known is None:
            pending.fresh += 1
            known = self._pool.submit(work.emulate_installation, request)
        pending.running.append((key, known))

    def _scan(self, pending: _Pending, code: Sequence[str]) -> None:
        """Ask for the features of each object and archive: by name and time, by code, or anew."""
        release = pending.request.release
        if features.supported_features(release.cpu_target) is None:
            reason = f'no table of instructions for the CPU target {release.cpu_target}'
            pending.not_run.append(('isa', reason))
            return
        members = {member.path: member for member in pending.members}
        unknown: list[tuple[str, str, str]] = []
        digests: dict[str, str] = {}
        for path in code:
            place = os.path.join(pending.request.real_path, path)
            file = fingerprint([members[path]])
            key = f'code:{self._isa_version}:{release.family}:{place}:{file}'
            known = self._cache.get(key)
            if known is None:
                unknown.append((path, place, key))
            else:
                digests[path] = known
        slices = [unknown[n : n + 20] for n in range(0, len(unknown), 20)]
        hashed = [
            self._pool.submit(work.digest_code, [place for _, place, _ in some], release.family)
            for some in slices
        ]
        for some, each in zip(slices, hashed, strict=True):
            for (path, _, key), digest in zip(some, each.result(), strict=True):
                self._cache.put(key, digest)
                digests[path] = digest
        for path in code:
            digest = digests[path]
            key = f'isa:{self._isa_version}:{release.cpu_target}:{digest}'
            answer: Any = self._cache.get(key)
            if answer is None:
                pending.fresh += 1
                place = os.path.join(pending.request.real_path, path)
                answer = self._scanning.get(key) or self._pool.submit(
                    work.scan_code, place, release.cpu_target, release.compat
                )
                self._scanning[key] = answer
            pending.codes.append((path, key, answer))

    @property
    def _isa_version(self) -> str:
        return f'{CHECKS_VERSION}:{features.tables_digest()}'

    def _judge_code(self, pending: _Pending) -> None:
        for path, key, answer in pending.codes:
            value = answer.result() if isinstance(answer, Future) else answer
            first = isinstance(answer, Future) and self._scanning.pop(key, None) is not None
            if 'not_run' in value:
                pending.not_run.append(('isa', value['not_run']))
                continue
            if first:
                self._cache.put(key, value)
            uses = [FeatureUse(*row) for row in value['uses']]
            pending.observations += judgement.judge_features(
                pending.request, path, uses, value['guarded']
            )
            pending.observations += judgement.judge_unjudged(
                pending.request, path, value['unjudged']
            )

    def _known(self, key: str) -> Any:
        known = self._cache.get(key)
        return known if known is not None and self._unchanged(known['depends']) else None

    def _take(self, key: str, answer: Any) -> Any:
        if not isinstance(answer, Future):
            return answer
        value = answer.result()
        if value.get('lasting', True):
            self._cache.put(key, value)
        return value

    def _key(self, what: str, request: InstallationRequest, *more: str) -> str:
        release = request.release
        text = '\0'.join(
            [
                self._version,
                release.path,
                release.cpu_target,
                repr(release.places),
                request.name,
                request.path,
                request.module_file or '',
                *more,
            ]
        )
        return f'{what}:{hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()}'
