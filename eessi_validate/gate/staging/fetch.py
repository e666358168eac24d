"""A tarball to gate, wherever it is: a file, or an object that is downloaded for the time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from eessi_validate.errors import UsageError
from eessi_validate.gate.interfaces.private_copy import private_directory
from eessi_validate.gate.staging.object_store import SCHEME, ObjectStore, Version, split_url
from eessi_validate.user_cache import cache_home

#: Metadata are a page, and a signature less.
_MOST_BESIDE = 1 << 20
METADATA_SUFFIX, SIGNATURE_SUFFIX = '.meta.txt', '.sig'


@dataclass(frozen=True)
class LocalTarball:
    """A tarball as a file here."""

    path: Path
    metadata: Path | None
    #: Raises :class:`HoldError` if what is here is not any more what is there.
    require_unchanged: Callable[[], None]


@contextmanager
def local_tarball(
    where: str, metadata: Path | None = None, endpoint_url: str = ''
) -> Iterator[LocalTarball]:
    """Yield a tarball by its path or its address ``s3://bucket/key``.

    :raises UsageError: if there is no such object.
    :raises HoldError: if it cannot be downloaded.
    """
    if not where.startswith(SCHEME):
        yield LocalTarball(Path(where), metadata, lambda: None)
        return
    bucket, key = split_url(where)
    store = ObjectStore(bucket, endpoint_url)
    version = store.current(key) if key else None
    if version is None:
        raise UsageError(f'no object {store.address(key)}')
    with private_directory(cache_home() / 'staging') as (directory, _):
        path, beside, _ = fetch(store, version, directory)
        yield LocalTarball(path, metadata or beside, lambda: store.require(version))


def fetch(
    store: ObjectStore, version: Version, directory: Path, *, most: int | None = None
) -> tuple[Path, Path | None, str]:
    """Download a tarball, and its metadata if they are there; return both and the sha256.

    Signatures of either that are there are downloaded to their places beside them.

    :raises ObjectChanged: if any of it is another one by now.
    """
    path = directory / version.key.rpartition('/')[2]
    limit = {} if most is None else {'most': most}
    sha256 = store.download(version, path, **limit)
    beside = [METADATA_SUFFIX, SIGNATURE_SUFFIX, METADATA_SUFFIX + SIGNATURE_SUFFIX]
    there = {suffix: store.current(version.key + suffix) for suffix in beside}
    for suffix, each in there.items():
        if each is not None:
            store.download(each, path.with_name(path.name + suffix), most=_MOST_BESIDE)
    # What replaced one of them under way may belong to another upload than the others.
    for each in (version, *there.values()):
        if each is not None:
            store.require(each)
    metadata = path.with_name(path.name + METADATA_SUFFIX) if there[METADATA_SUFFIX] else None
    return path, metadata, sha256
