"""Compress identical bytes once per request and process, however many URLs they came from.

Each process remembers its own results: asking the object store would cost each image two requests, and most catalogues
have no duplicates. Another process that gets the same bytes compresses them too, which costs time but harms nothing.
"""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from shared.contracts.messages import CompressImage, ImageResult
from shared.contracts.object_keys import result_key
from shared.errors import ObjectMissing
from shared.storage import ObjectStore

MAX_REMEMBERED = 10_000
"""Results. The one that was used least recently is forgotten."""


@dataclass(slots=True)
class _KeyLock:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0


class SameBytesCache:
    """The latest results of this process, by request and the original's hash.

    Does nothing for a command without `original_sha256`.
    """

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._locks: dict[str, _KeyLock] = {}
        self._results: OrderedDict[str, str] = OrderedDict()  # as JSON, about 700 bytes each

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
        if key is None or key not in self._results:
            return None
        self._results.move_to_end(key)
        result = ImageResult.model_validate_json(self._results[key])
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
        if key is None:
            return
        self._results[key] = result.model_dump_json()
        self._results.move_to_end(key)
        if len(self._results) > MAX_REMEMBERED:
            self._results.popitem(last=False)


def _key(command: CompressImage) -> str | None:
    return command.original_sha256 and f"{command.request_id}/{command.original_sha256}"
