"""Gates what appears in a staging bucket: each version of each object once.

A verdict is published only while the object still is the one that was gated. What was taken when a
watcher was killed is gated again from the start.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from eessi_validate.errors import EessiValidateError, HoldError, UsageError
from eessi_validate.gate.interfaces.private_copy import private_directory
from eessi_validate.gate.staging.fetch import METADATA_SUFFIX, fetch
from eessi_validate.gate.staging.object_store import (
    MOST_BYTES,
    Listed,
    ObjectChanged,
    ObjectStore,
    Version,
)
from eessi_validate.gate.staging.watch_state import Taken, WatchState
from eessi_validate.results.model import Report, VerdictCode

#: What is taken for a tarball; everything else in the bucket is left alone.
_SUFFIXES = ('.tar.gz', '.tar.zst', '.tar')
#: What is written beside an object, each after its key and a dot.
_PUBLISHED = ('verdict.json', 'report.md', 'attestation.json', 'attestation.json.sig')
#: Gates of one version that may end without a verdict, and listings in a row that may fail.
MOST_ATTEMPTS, MOST_FAILURES = 3, 10


class Gatekeeper(Protocol):
    """Decides on a tarball, and writes the decision down."""

    def decide(self, tarball: Path, metadata: Path | None, out: Path) -> Report:
        """Gate a tarball."""

    def write(self, report: Report, out: Path) -> Sequence[Path]:
        """Write the report into ``out``; return the files to publish beside the object."""

    def tell(self, report: Report) -> None:
        """Tell whoever wants to know of a verdict that stands."""


@dataclass(frozen=True)
class WatchOptions:
    """How to watch."""

    prefix: str
    #: Directory of the reports, one directory for each version.
    out: Path
    #: Write verdict and attestation into the bucket, beside the object.
    publish: bool = False
    #: Leave tarballs alone until their metadata are there.
    wait_for_metadata: bool = False
    #: Gate again what was held.
    retry_held: bool = False
    #: Bytes of the largest object.
    most_bytes: int = MOST_BYTES


class Watcher:
    """Watches one prefix of a bucket.

    :arg say: is told every verdict in one line.
    """

    def __init__(
        self,
        store: ObjectStore,
        state: WatchState,
        gatekeeper: Gatekeeper,
        options: WatchOptions,
        say: Callable[[str], None],
    ) -> None:
        self._store = store
        self._state = state
        self._gatekeeper = gatekeeper
        self._options = options
        self._say = say

    def watch(
        self,
        interval: float,
        sleep: Callable[[float], None] = time.sleep,
        stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        """Look again and again, ``interval`` seconds apart, until interrupted.

        :arg stopped: says whether an interrupt has come. Python drops the exception of one that
            comes while it destroys an object, and the watch would go on.
        :raises KeyboardInterrupt: if it is stopped.
        :raises HoldError: if the bucket cannot be listed many times in a row.
        """
        failures = 0
        while not stopped():
            try:
                self.look()
                failures = 0
            except HoldError as error:
                failures += 1
                self._say(f'HOLD: {error}')
                if failures >= MOST_FAILURES:
                    raise
            if not stopped():
                sleep(interval)
        raise KeyboardInterrupt

    def look(self) -> VerdictCode:
        """Gate what is new, once; return the gravest verdict, ACCEPT if nothing is new.

        :raises HoldError: if the bucket cannot be listed, or the state not be written.
        """
        worst = VerdictCode.ACCEPT
        order = (
            VerdictCode.ACCEPT, VerdictCode.ACCEPT_WAIVED, VerdictCode.HOLD, VerdictCode.REJECT,
        )  # fmt: skip
        for listed in self._new():
            verdict = self._take(listed)
            if verdict is not None:
                worst = max(worst, verdict, key=order.index)
        return worst

    def _new(self) -> Iterator[Listed]:
        listing = list(self._store.listing(self._options.prefix))
        keys = {each.key for each in listing} if self._options.wait_for_metadata else set()
        for each in sorted(listing, key=lambda one: (one.modified, one.key)):
            if not each.key.endswith(_SUFFIXES):
                continue
            if self._options.wait_for_metadata and each.key + METADATA_SUFFIX not in keys:
                continue
            known = self._state.of(each.key)
            same = known and (known.etag, known.modified) == (each.etag, each.modified)
            if known and same and known.status == 'done' and not self._again(known):
                continue
            yield each

    def _again(self, known: Taken) -> bool:
        return self._options.retry_held and known.verdict == VerdictCode.HOLD.value

    def _take(self, listed: Listed) -> VerdictCode | None:
        """Gate one object; None if there is nothing to gate (any more)."""
        version = self._store.current(listed.key)
        if version is None or version.etag != listed.etag:
            return None  # what it is now is in the next listing
        known = self._state.of(listed.key)
        same = known and (known.etag, known.version_id) == (version.etag, version.version_id)
        if known and same and known.status == 'done' and not self._again(known):
            self._state.note(listed.key, known.model_copy(update={'modified': listed.modified}))
            return None
        attempts = known.attempts if known and same and known.status == 'taken' else 0
        taken = Taken(
            etag=version.etag,
            version_id=version.version_id,
            modified=listed.modified,
            status='taken',
            attempts=attempts + 1,
            reason=known.reason if known and same else '',
            at=_now(),
        )
        if attempts >= MOST_ATTEMPTS:
            why = taken.reason or 'the watcher ended each time'
            return self._settle(version, taken, VerdictCode.HOLD, '', f'given up: {why}')
        if known and not same and self._options.publish:
            # The verdict on another version is none on this one.
            for name in _PUBLISHED:
                self._store.remove(f'{listed.key}.{name}')
        self._state.note(listed.key, taken)
        try:
            return self._gate(version, taken)
        except ObjectChanged as change:
            self._state.forget(listed.key)
            self._say(f'{self._store.address(version.key)}: no verdict: {change}')
            return VerdictCode.HOLD
        except UsageError:
            raise  # of the watcher's own options: no object can do anything about it
        except (EessiValidateError, OSError) as error:
            # It stays taken, and is gated again at the next look, a few times.
            text = ' '.join(str(error).split())
            self._state.note(listed.key, taken.model_copy(update={'reason': text}))
            self._say(f'{self._store.address(version.key)}: HOLD for now: {text}')
            return VerdictCode.HOLD

    def _gate(self, version: Version, taken: Taken) -> VerdictCode:
        out = self._options.out / _directory_of(version)
        # Of an earlier attempt, or of a verdict that is to be made anew.
        shutil.rmtree(out, ignore_errors=True)
        with private_directory(self._options.out / '.downloads') as (directory, _):
            path, metadata, sha256 = fetch(
                self._store, version, directory, most=self._options.most_bytes
            )
            report = self._gatekeeper.decide(path, metadata, out)
        if report.run.interrupted:
            raise KeyboardInterrupt
        if report.subject.digest != f'sha256:{sha256}':
            raise HoldError('what was gated is not what was downloaded')
        try:
            self._store.require(version)
            files = self._gatekeeper.write(report, out)
            self._publish(version, report, files if self._options.publish else None)
        except ObjectChanged:
            shutil.rmtree(out, ignore_errors=True)
            raise
        judgement = report.judgement
        verdict = self._settle(version, taken, judgement.verdict, sha256, judgement.summary)
        self._gatekeeper.tell(report)
        return verdict

    def _publish(self, version: Version, report: Report, files: Sequence[Path] | None) -> None:
        """Write beside the object, and take it back if the object changed meanwhile."""
        if files is None:
            self._store.require(version)
            return
        written = []
        verdict = {
            'schema_version': 1,
            'verdict': report.judgement.verdict.value,
            'summary': report.judgement.summary,
            'sha256': report.subject.digest.removeprefix('sha256:'),
            'etag': version.etag,
            'version_id': version.version_id,
            'policy': report.judgement.policy,
        }
        documents = [('verdict.json', (json.dumps(verdict, indent=1) + '\n').encode())]
        documents += [(path.name, path.read_bytes()) for path in files]
        try:
            for name, data in documents:
                self._store.put(f'{version.key}.{name}', data)
                written.append(f'{version.key}.{name}')
            self._store.require(version)
        except BaseException:
            for key in written:
                self._store.remove(key)
            raise

    def _settle(
        self, version: Version, taken: Taken, verdict: VerdictCode, sha256: str, reason: str
    ) -> VerdictCode:
        done = {'status': 'done', 'verdict': verdict.value, 'sha256': sha256, 'reason': reason}
        self._state.note(version.key, taken.model_copy(update={**done, 'at': _now()}))
        digest = f' sha256:{sha256}' if sha256 else ''
        self._say(f'{self._store.address(version.key)}: {verdict.value}{digest}: {reason}')
        return verdict


def _directory_of(version: Version) -> str:
    """Return a name for the reports of one version, short and without surprises."""
    identity = '\0'.join((version.key, version.etag, version.version_id))
    return hashlib.sha256(identity.encode('utf-8', 'surrogatepass')).hexdigest()[:24]


def _now() -> str:
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec='seconds')
