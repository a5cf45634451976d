"""The same bytes within a request are compressed once, under however many URLs they were found.

What was made of an original is noted in the store under the original's SHA-256, for every compressor to see. Two
processes that have the same bytes in hand at the very same moment both compress them: that costs time, nothing else.
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
class _Turn:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0


class SameBytes:
    """Knows what was made of the originals of requests that are under way."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._turns: dict[str, _Turn] = {}

    @asynccontextmanager
    async def turn(self, command: CompressImage) -> AsyncIterator[None]:
        """One at a time for the same bytes in this process, so that whoever comes second finds what the first made."""
        key = _key(command)
        if key is None:
            yield
            return
        turn = self._turns.setdefault(key, _Turn())
        turn.users += 1
        try:
            async with turn.lock:
                yield
        finally:
            turn.users -= 1
            if not turn.users:
                del self._turns[key]

    async def copied(self, command: CompressImage) -> ImageResult | None:
        """The result of the same bytes, copied to an object of this image's own; None if there is none yet."""
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
        if own_key == result.key:  # the note is this image's own, from before it was interrupted
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

    async def note(self, command: CompressImage, result: ImageResult) -> None:
        """Let others with the same bytes find `result`, which is stored."""
        key = _key(command)
        if key is not None:
            await self._store.put_bytes(key, result.model_dump_json().encode(), "application/json", durable=False)


def _key(command: CompressImage) -> str | None:
    return command.original_sha256 and same_bytes_key(command.request_id, command.original_sha256)
