"""An S3 bucket: what is in it, and one version of one object of it.

An object is named by key, etag and, in buckets that keep versions, version id. What is downloaded
is that version or nothing.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eessi_validate.errors import HoldError, UsageError

SCHEME = 's3://'
#: Objects of one listing, and bytes of one object; more is held.
MOST_OBJECTS, MOST_BYTES = 1_000_000, 64 << 30
_PIECE = 1 << 20
_NOT_THERE = ('404', 'NoSuchKey', 'NotFound', 'NoSuchVersion')
_CHANGED = ('412', 'PreconditionFailed')


@dataclass(frozen=True)
class Listed:
    """An object as a listing shows it."""

    key: str
    etag: str
    size: int
    #: Time of its last change in ISO 8601.
    modified: str


@dataclass(frozen=True)
class Version:
    """One version of one object."""

    key: str
    etag: str
    #: '' in a bucket that keeps no versions.
    version_id: str
    size: int


class ObjectChanged(HoldError):
    """The object is not the one any more that was looked at."""


def split_url(url: str) -> tuple[str, str]:
    """Return bucket and key (or prefix) of ``s3://bucket/key``.

    :raises UsageError: if it is no such address.
    """
    bucket, _, key = url.removeprefix(SCHEME).partition('/')
    if not url.startswith(SCHEME) or not bucket:
        raise UsageError(f'{url!r} is no address such as s3://bucket/key')
    return bucket, key


class ObjectStore:
    """A bucket.

    :arg endpoint_url: of the server; '': as ``AWS_ENDPOINT_URL`` says, else that of AWS.
    :raises UsageError: if the library for S3 is not installed.
    """

    def __init__(self, bucket: str, endpoint_url: str = '') -> None:
        self.bucket = bucket
        try:
            import boto3
            from botocore.config import Config
        except ImportError as error:
            raise UsageError(
                "S3 needs boto3, which is not installed: pip install 'eessi-validate[s3]'"
            ) from error
        self.endpoint = (
            endpoint_url
            or os.environ.get('AWS_ENDPOINT_URL_S3', '')
            or os.environ.get('AWS_ENDPOINT_URL', '')
        )
        # Other servers than that of AWS seldom have a name in the DNS for each bucket.
        style = {'addressing_style': 'path'} if self.endpoint else {}
        config = Config(
            connect_timeout=10,
            read_timeout=60,
            retries={'max_attempts': 4, 'mode': 'standard'},
            s3=style,
        )
        with self._errors('no client for'):
            self._client: Any = boto3.client(
                's3', endpoint_url=self.endpoint or None, config=config
            )

    def listing(self, prefix: str) -> Iterator[Listed]:
        """Iterate over all objects below a prefix, page by page.

        :raises HoldError: if there are more than can be handled, or the server cannot be asked.
        """
        with self._errors(f'cannot list {self.address(prefix)}'):
            pages = self._client.get_paginator('list_objects_v2').paginate(
                Bucket=self.bucket, Prefix=prefix
            )
            count = 0
            for page in pages:
                for entry in page.get('Contents', ()):
                    count += 1
                    if count > MOST_OBJECTS:
                        raise HoldError(
                            f'more than {MOST_OBJECTS:,} objects below {self.address(prefix)}'
                        )
                    yield Listed(
                        key=entry['Key'],
                        etag=entry['ETag'].strip('"'),
                        size=entry['Size'],
                        modified=entry['LastModified'].isoformat(),
                    )

    def current(self, key: str) -> Version | None:
        """Return the version that an object has now; None if there is no such object."""
        with self._errors(f'cannot look at {self.address(key)}'):
            try:
                answer = self._client.head_object(Bucket=self.bucket, Key=key)
            except self._client.exceptions.ClientError as error:
                if _code(error) in _NOT_THERE:
                    return None
                raise
        return Version(
            key=key,
            etag=answer['ETag'].strip('"'),
            version_id=_version_id(answer),
            size=answer['ContentLength'],
        )

    def download(self, version: Version, into: Path, *, most: int = MOST_BYTES) -> str:
        """Write exactly this version to a new file, and return its sha256 in hexadecimal.

        :raises ObjectChanged: if the object is another one by now, or gone.
        :raises HoldError: if it is larger than ``most`` bytes, or cannot be read or written.
        """
        address = self.address(version.key)
        if version.size > most:
            raise HoldError(f'{address} has {version.size:,} bytes, more than {most:,}')
        wanted = {'VersionId': version.version_id} if version.version_id else {}
        digest, count = hashlib.sha256(), 0
        with self._errors(f'cannot download {address}'):
            try:
                answer = self._client.get_object(
                    Bucket=self.bucket, Key=version.key, IfMatch=f'"{version.etag}"', **wanted
                )
            except self._client.exceptions.ClientError as error:
                if _code(error) in (*_CHANGED, *_NOT_THERE):
                    raise ObjectChanged(f'{address} changed before it was downloaded') from error
                raise
            if (answer['ETag'].strip('"'), _version_id(answer)) != (
                version.etag, version.version_id,
            ):  # fmt: skip
                raise ObjectChanged(f'{address} changed before it was downloaded')
            with into.open('xb') as stream:
                for piece in answer['Body'].iter_chunks(_PIECE):
                    count += len(piece)
                    if count > version.size:
                        break
                    digest.update(piece)
                    stream.write(piece)
        if count != version.size:
            raise HoldError(f'{address} has {count:,} bytes instead of {version.size:,}')
        return digest.hexdigest()

    def require(self, version: Version) -> None:
        """Make sure that an object still is this version.

        :raises ObjectChanged: if it is not.
        """
        now = self.current(version.key)
        if now != version:
            what = 'is gone' if now is None else 'is another one'
            raise ObjectChanged(f'{self.address(version.key)} {what} since it was downloaded')

    def put(self, key: str, data: bytes) -> None:
        """Write an object."""
        with self._errors(f'cannot write {self.address(key)}'):
            self._client.put_object(Bucket=self.bucket, Key=key, Body=data)

    def remove(self, key: str) -> None:
        """Remove an object."""
        with self._errors(f'cannot remove {self.address(key)}'):
            self._client.delete_object(Bucket=self.bucket, Key=key)

    def address(self, key: str) -> str:
        """Return the address of an object, fit to be shown."""
        shown = ''.join(c if c.isprintable() else '?' for c in key)
        return f'{SCHEME}{self.bucket}/{shown}'

    @contextmanager
    def _errors(self, what: str) -> Iterator[None]:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            yield
        except ClientError as error:
            if _code(error) == 'NoSuchBucket':
                raise UsageError(f'no bucket {self.bucket}') from error
            raise HoldError(f'{what}: {error}') from error
        except (BotoCoreError, OSError, ValueError) as error:
            raise HoldError(f'{what}: {error}') from error


def _version_id(answer: dict[str, Any]) -> str:
    found = answer.get('VersionId', '')
    return '' if found == 'null' else str(found)


def _code(error: Any) -> str:
    return str(error.response.get('Error', {}).get('Code', ''))
