"""Compress identical bytes once per request, however many URLs they came from.

The result for an original is recorded in the object store under the original's SHA-256, where all compressors find it.
Two processes that compress the same bytes at the same time both do the work, which costs time but harms nothing.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from pydantic import ValidationError

from shared.contracts.messages import CompressImage, ImageResult
from shared.contracts.object_keys import result_key, same_bytes_key
from shared.errors import ObjectMissing
from shared.storage import ObjectStore


@dataclass(slots=True)
class _KeyLock:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0


class SameBytesCache:
    """The results for originals of requests in progress, by the original's hash.

    Does nothing for a command without `original_sha256`.
    """

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._locks: dict[str, _KeyLock] = {}

    @asynccontextmanager
    async def lock(self, command: CompressImage) -> AsyncIterator[None]:
        """Let one command with the same bytes run at a time in this process, so that the next finds its result."""
        key = _key(command)
        if key is None:
            yield
            return
        key_lock = self._locks.setdefault(key, _KeyLock())
        key_lock.users += 1
        try:
            async with key_lock.lock:
                yield
        finally:
            key_lock.users -= 1
            if not key_lock.users:
                del self._locks[key]

    async def copy_result(self, command: CompressImage) -> ImageResult | None:
        """Copy the result for the same bytes to an object of this image; None if there is no usable result."""
        key = _key(command)
        if key is None:
            return None
        try:
            result = ImageResult.model_validate_json(await self._store.get_bytes(key))
            data = await self._store.get_bytes(result.key)
        except (ObjectMissing, ValidationError):
            return None
        if len(data) != result.bytes_out:
            return None
        extension = PurePosixPath(result.key).suffix.removeprefix(".")
        own_key = result_key(command.request_id, command.image_id, command.url, data, extension)
        if own_key == result.key:  # recorded by an earlier delivery of this command
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

    async def record(self, command: CompressImage, result: ImageResult) -> None:
        """Record a stored result, for other images with the same bytes."""
        key = _key(command)
        if key is not None:
            await self._store.put_bytes(key, result.model_dump_json().encode(), "application/json", durable=False)


def _key(command: CompressImage) -> str | None:
    return command.original_sha256 and same_bytes_key(command.request_id, command.original_sha256)
