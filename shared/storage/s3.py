"""An object store in an S3 bucket."""

import io
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import BinaryIO
from xml.etree.ElementTree import ParseError

import urllib3
from minio import Minio
from minio.commonconfig import CopySource
from minio.deleteobjects import DeleteObject
from minio.error import MinioException, S3Error
from urllib3.exceptions import HTTPError

from shared.errors import ObjectMissing, StorageUnavailable
from shared.storage.keys import check_key, check_prefix
from shared.storage.object_store import ObjectStat, StoreState, check_range
from shared.storage.range_read import Source, read_range
from shared.storage.source_file import size_of, source_file
from shared.storage.threads import Threads

_THREADS = 32  # calls in flight, each a connection
_CONNECT_TIMEOUT = 3.0  # seconds
_READ_TIMEOUT = 20.0  # seconds without a byte
_PART = 5 * 1024 * 1024  # the smallest that S3 allows; also the memory that a large file needs
_BATCH = 1000  # S3's limit for one deletion and one page of a listing

# No key of an object begins with ".".
_MARK = ".imagemill-store"
_PING = ".imagemill-ping"
_PING_BYTES = 64 * 1024

_HALF_A_SECOND = timedelta(seconds=0.5)
_PARTIAL = 206
_NOT_FOUND = "NoSuchKey"
_NO_BUCKET = "NoSuchBucket"
_EMPTY_RANGE = "InvalidRange"
_BUCKET_EXISTS = ("BucketAlreadyOwnedByYou", "BucketAlreadyExists")


@dataclass(frozen=True, slots=True)
class S3Location:
    """A bucket and how to reach it."""

    endpoint: str
    """host or host:port"""
    bucket: str
    access_key: str
    secret_key: str = field(repr=False)
    secure: bool = True
    region: str | None = None


class S3ObjectStore:
    """Objects in one bucket, which is a store only with a mark. S3 makes each put atomic and durable.

    A damaged put is refused: over http its signature covers the SHA-256 of the bytes, over https it carries their MD5,
    and the parts of a large file are combined by their etags.
    """

    def __init__(self, location: S3Location) -> None:
        self._bucket = location.bucket
        self._url = f"{'https' if location.secure else 'http'}://{location.endpoint}/{location.bucket}"
        self._pool = _connection_pool()
        self._client = Minio(
            location.endpoint,
            access_key=location.access_key,
            secret_key=location.secret_key,
            secure=location.secure,
            region=location.region,
            http_client=self._pool,
        )
        self._opened = False
        self._threads = Threads(_THREADS, "s3-store")

    async def put_file(self, key: str, path: Path, content_type: str, *, durable: bool = True) -> None:  # noqa: ARG002
        size = await self._threads.run(partial(size_of, path))
        await self._threads.run(partial(self._put_file, check_key(key), path, content_type), size)

    async def put_bytes(self, key: str, data: bytes, content_type: str, *, durable: bool = True) -> None:  # noqa: ARG002
        await self._threads.run(
            partial(self._put, check_key(key), io.BytesIO(data), len(data), content_type), len(data)
        )

    async def copy(self, source: str, target: str, content_type: str, *, durable: bool = True) -> None:  # noqa: ARG002
        await self._threads.run(partial(self._copy, check_key(source), check_key(target)))

    async def get_bytes(self, key: str) -> bytes:
        return await self._threads.run(partial(self._get, check_key(key)))

    async def stat(self, key: str) -> ObjectStat | None:
        return await self._threads.run(partial(self._stat, check_key(key)))

    async def read_chunks(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        check_range(start, end)
        open_range = partial(self._open_range, check_key(key), start, end)
        async for chunk in read_range(self._threads, open_range, partial(self._errors, key)):
            yield chunk

    async def delete(self, keys: Iterable[str]) -> None:
        checked = (check_key(key) for key in keys)
        while batch := list(islice(checked, _BATCH)):
            await self._threads.run(partial(self._delete, batch))

    async def list_keys(self, prefix: str) -> AsyncGenerator[str, None]:
        async for key in self._threads.stream(self._list(check_prefix(prefix)), _BATCH):
            yield key

    async def time(self) -> datetime | None:
        return await self._threads.run(self._time)

    async def ping(self) -> None:
        await self._threads.until_none_hangs()
        await self._threads.run(self._ping)

    async def state(self) -> StoreState:
        return await self._threads.run(self._state)

    async def make(self) -> None:
        await self._threads.run(self._make)

    async def close(self) -> None:
        await self._threads.close()
        self._pool.clear()

    def _put_file(self, key: str, path: Path, content_type: str) -> None:
        with source_file(path) as file:
            size = size_of(path)
            self._put(key, file, size, content_type)

    def _put(self, key: str, data: BinaryIO, size: int, content_type: str) -> None:
        with self._errors():
            self._client.put_object(
                self._bucket, key, data, size, content_type, part_size=_PART, num_parallel_uploads=1
            )

    def _copy(self, source: str, target: str) -> None:
        with self._errors(missing=source):  # server-side, with its content type
            self._client.copy_object(self._bucket, target, CopySource(self._bucket, source))

    def _get(self, key: str) -> bytes:
        with self._errors(missing=key):
            response = self._client.get_object(self._bucket, key)
            try:
                return response.read()
            finally:
                response.close()

    def _stat(self, key: str) -> ObjectStat | None:
        try:
            with self._errors(missing=key):
                found = self._client.stat_object(self._bucket, key)
        except ObjectMissing:
            return None
        return ObjectStat(found.size or 0, found.etag or "", found.last_modified or datetime.fromtimestamp(0, UTC))

    def _open_range(self, key: str, start: int, end: int | None) -> tuple[Source, int]:
        if start == end:  # S3 has no empty ranges
            self._client.stat_object(self._bucket, key)
            return io.BytesIO(), 0
        try:
            response = self._client.get_object(self._bucket, key, start, 0 if end is None else end - start)
        except S3Error as error:
            if error.code == _EMPTY_RANGE:
                return io.BytesIO(), 0
            raise
        if response.status != _PARTIAL and (start or end is not None):
            response.close()
            raise StorageUnavailable(f"S3 sent all of {key} instead of a range")
        return response, int(response.headers.get("content-length", ""))

    def _delete(self, keys: list[str]) -> None:
        with self._errors():
            for refused in self._client.remove_objects(self._bucket, map(DeleteObject, keys)):
                if refused.code != _NOT_FOUND:
                    raise StorageUnavailable(f"S3 did not delete {refused.name}: {refused.code} {refused.message}")

    def _list(self, prefix: str) -> Iterator[str]:
        with self._errors():
            for found in self._client.list_objects(self._bucket, prefix, recursive=True):
                if found.object_name and not found.is_dir and not found.object_name.startswith("."):
                    yield found.object_name

    def _time(self) -> datetime | None:
        """By the Date of a response, which has whole seconds.

        The request is not signed: S3 refuses signatures of a clock that is far off, and any answer has a Date.
        """
        try:
            response = self._pool.request("HEAD", self._url, redirect=False)
        except HTTPError as error:
            raise StorageUnavailable(f"S3 does not answer: {error}") from error
        try:
            return parsedate_to_datetime(response.headers.get("date", "")) + _HALF_A_SECOND
        except ValueError:
            return None

    def _ping(self) -> None:
        self._opened = False
        with self._errors():
            self._client.put_object(self._bucket, _PING, io.BytesIO(bytes(_PING_BYTES)), _PING_BYTES)
            self._client.remove_object(self._bucket, _PING)

    def _state(self) -> StoreState:
        with self._errors(open_=False):
            if self._is_marked():
                return StoreState.MADE
            if not self._client.bucket_exists(self._bucket):
                return StoreState.ABSENT
            keys = (found.object_name or "." for found in self._client.list_objects(self._bucket, recursive=True))
            return StoreState.UNMARKED if any(not key.startswith(".") for key in keys) else StoreState.ABSENT

    def _make(self) -> None:
        with self._errors(open_=False):
            if not self._client.bucket_exists(self._bucket):
                self._make_bucket()
            self._client.put_object(self._bucket, _MARK, io.BytesIO(), 0)

    def _make_bucket(self) -> None:
        try:
            self._client.make_bucket(self._bucket)
        except S3Error as error:
            if error.code not in _BUCKET_EXISTS:  # another process was faster
                raise

    @contextmanager
    def _errors(self, missing: str | None = None, *, open_: bool = True) -> Iterator[None]:
        """Open the bucket and translate the store's errors. With `missing`, NoSuchKey is ObjectMissing."""
        try:
            if open_:
                self._open()
            yield
        except S3Error as error:
            if missing is not None and error.code == _NOT_FOUND:
                self._check_mark_again()
                raise ObjectMissing(missing) from None
            raise StorageUnavailable(f"S3 answered {error.code}: {error.message}") from error
        except (MinioException, HTTPError, ParseError, ValueError) as error:
            # The client raises the last two for responses that are not from S3, such as a proxy's page.
            raise StorageUnavailable(f"unexpected response from S3: {error}") from error

    def _check_mark_again(self) -> None:
        """If the bucket was emptied or recreated, the store is unavailable rather than the object missing."""
        self._opened = False
        with self._errors():
            pass

    def _open(self) -> None:
        """Check the mark at first use, and when an object is missing."""
        if self._opened:
            return
        if not self._is_marked():
            raise StorageUnavailable(
                f"bucket {self._bucket} is missing or not an object store (it has no {_MARK}). "
                "A new store is made by imagemill-admin init-store"
            )
        self._opened = True

    def _is_marked(self) -> bool:
        try:
            self._client.stat_object(self._bucket, _MARK)
        except S3Error as error:
            if error.code in {_NOT_FOUND, _NO_BUCKET}:
                return False
            raise
        return True


def _connection_pool() -> urllib3.PoolManager:
    # Idempotent calls only. In longer outages the caller keeps its message and retries.
    retries = urllib3.Retry(
        total=2,
        connect=1,
        read=1,
        backoff_factor=0.2,
        status_forcelist=(500, 502, 503, 504),
        respect_retry_after_header=False,
    )
    return urllib3.PoolManager(
        maxsize=_THREADS,
        timeout=urllib3.Timeout(connect=_CONNECT_TIMEOUT, read=_READ_TIMEOUT),
        retries=retries,
        cert_reqs="CERT_REQUIRED",  # by the system's authorities
    )
