"""Compress identical bytes once per request and process, however many URLs they came from.

Each process remembers its own results: asking the object store would cost each image two requests, and most catalogues
have no duplicates. Another process that gets the same bytes compresses them too, which costs time but harms nothing.

Bytes that took their whole time limit or failed unexpectedly in two processes are remembered too, for the rest of the
round: each of their URLs would cost the same again. Other failures are not: they cost little, or the machine may be
their cause.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import NamedTuple, TypeVar

from services.compressor.compress_error import CompressError
from services.compressor.lanes import SLOW_SECONDS
from shared.contracts.error_codes import ErrorCode
from shared.contracts.messages import CompressImage, ImageResult
from shared.contracts.object_keys import result_key
from shared.errors import ObjectMissing
from shared.storage import ObjectStore

T = TypeVar("T")

MAX_REMEMBERED = 10_000
"""Results, and as many failures. The one that was used least recently is forgotten."""


@dataclass(slots=True)
class _KeyLock:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0
    slow_at: float = 0  # when the one that has it is slow


class _Failure(NamedTuple):
    code: ErrorCode
    detail: str
    used_its_time: bool


class _Memory(OrderedDict[str, T]):
    """The latest values by key."""

    def remember(self, key: str, value: T) -> None:
        self[key] = value
        self.move_to_end(key)
        if len(self) > MAX_REMEMBERED:
            self.popitem(last=False)

    def recall(self, key: str) -> T | None:
        if key in self:
            self.move_to_end(key)
        return self.get(key)


class SameBytesCache:
    """The latest results of this process, by request and the original's hash. A request's images have equal options.

    Does nothing for a command without `original_sha256`.
    """

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._locks: dict[str, _KeyLock] = {}
        self._results: _Memory[str] = _Memory()  # as JSON; with its key about 650 bytes each
        self._failures: _Memory[_Failure] = _Memory()

    @asynccontextmanager
    async def lock(self, command: CompressImage) -> AsyncIterator[bool]:
        """Let one command with the same bytes run at a time in this process, so that the next finds its result.

        Yields False, without the lock, if the one that has it is slow: it has had it for SLOW_SECONDS.
        """
        key = _key(command)
        if key is None:
            yield True
            return
        key_lock = self._locks.setdefault(key, _KeyLock())
        key_lock.users += 1
        has_lock = False
        try:
            has_lock = await _acquire(key_lock)
            yield has_lock
        finally:
            if has_lock:
                key_lock.lock.release()
            key_lock.users -= 1
            if not key_lock.users:
                del self._locks[key]

    def raise_failure(self, command: CompressImage) -> None:
        """Raise the CompressError of the same bytes in this round, if it is remembered."""
        key = _key_in_round(command)
        failure = self._failures.recall(key) if key else None
        if failure:
            error = CompressError(failure.code, failure.detail)
            error.used_its_time = failure.used_its_time
            raise error

    def remember_failure(self, command: CompressImage, error: CompressError) -> None:
        """Remember it for other images with the same bytes, if these are the cause and it costs much."""
        key = _key_in_round(command)
        if key is not None and (error.used_its_time or error.was_tried_twice):
            self._failures.remember(key, _Failure(error.code, error.detail, error.used_its_time))

    async def copy_result(self, command: CompressImage) -> ImageResult | None:
        """Copy the result for the same bytes to an object of this image; None if there is no usable result."""
        key = _key(command)
        known = key and self._results.recall(key)
        if not known:
            return None
        result = ImageResult.model_validate_json(known)
        try:
            data = await self._store.get_bytes(result.key)
        except ObjectMissing:
            return None
        if len(data) != result.bytes_out:
            return None
        extension = PurePosixPath(result.key).suffix.removeprefix(".")
        own_key = result_key(command.request_id, command.image_id, command.url, data, extension)
        if own_key == result.key:  # made for an earlier delivery of this command
            return result
        await self._store.put_bytes(own_key, data, result.content_type)
        return result.model_copy(
            update={
                "key": own_key,
                "reused": "same_bytes",
                "encodes": 0,
                "fetch_ms": command.fetch_ms,
                "compress_ms": 0,
            }
        )

    def remember(self, command: CompressImage, result: ImageResult) -> None:
        """Remember a stored result, for other images with the same bytes."""
        key = _key(command)
        if key is not None:
            self._results.remember(key, result.model_dump_json())


async def _acquire(key_lock: _KeyLock) -> bool:
    """Wait for the lock until the one that has it is slow. Returns whether it was free by then."""
    seconds = key_lock.slow_at - time.monotonic() if key_lock.lock.locked() else SLOW_SECONDS
    try:
        async with asyncio.timeout(max(seconds, 0)):
            await key_lock.lock.acquire()
    except TimeoutError:
        return False
    key_lock.slow_at = time.monotonic() + SLOW_SECONDS
    return True


def _key(command: CompressImage) -> str | None:
    return command.original_sha256 and f"{command.request_id}/{command.original_sha256}"


def _key_in_round(command: CompressImage) -> str | None:
    key = _key(command)
    return key and f"{key}/{command.round}"
