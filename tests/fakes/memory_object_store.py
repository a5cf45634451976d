"""An object store in a dictionary."""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from shared.errors import DiskUnavailable, ObjectMissing, StorageUnavailable
from shared.storage import ObjectStat, StoreState, check_key, check_prefix, check_range

_CHUNK = 256 * 1024


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class StoredObject:
    data: bytes
    content_type: str
    durable: bool
    modified: datetime


class MemoryObjectStore:
    """Keeps its objects in `objects`, for tests to inspect. While `available` is False, every call fails.

    made: whether it has been made; a test sets it to False for a store without a mark.
    """

    def __init__(self, clock: Callable[[], datetime] = _now) -> None:
        self.objects: dict[str, StoredObject] = {}
        self.available = True
        self.made = True
        self._clock = clock

    async def put_file(self, key: str, path: Path, content_type: str, *, durable: bool = True) -> None:
        try:
            data = await asyncio.to_thread(path.read_bytes)
        except OSError as error:
            raise DiskUnavailable(f"temporary files: {error}") from error
        await self.put_bytes(key, data, content_type, durable=durable)

    async def put_bytes(self, key: str, data: bytes, content_type: str, *, durable: bool = True) -> None:
        await self._check_available()
        self.objects[check_key(key)] = StoredObject(bytes(data), content_type, durable, self._clock())

    async def copy(self, source: str, target: str, content_type: str, *, durable: bool = True) -> None:
        await self.put_bytes(target, (await self._get(source)).data, content_type, durable=durable)

    async def get_bytes(self, key: str) -> bytes:
        return (await self._get(key)).data

    async def stat(self, key: str) -> ObjectStat | None:
        try:
            found = await self._get(key)
        except ObjectMissing:
            return None
        return ObjectStat(len(found.data), hashlib.sha256(found.data).hexdigest()[:32], found.modified)

    async def read_chunks(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        check_range(start, end)
        wanted = (await self._get(key)).data[start:end]
        for offset in range(0, len(wanted), _CHUNK):
            yield wanted[offset : offset + _CHUNK]

    async def delete(self, keys: Iterable[str]) -> None:
        await self._check_available()
        for key in keys:
            self.objects.pop(check_key(key), None)

    async def list_keys(self, prefix: str) -> AsyncGenerator[str, None]:
        await self._check_available()
        check_prefix(prefix)
        for key in [key for key in self.objects if key.startswith(prefix)]:
            yield key

    async def time(self) -> datetime | None:
        await self._check_available()
        return self._clock()

    async def ping(self) -> None:
        await self._check_available()

    async def state(self) -> StoreState:
        await self._check_reachable()
        if self.made:
            return StoreState.MADE
        return StoreState.UNMARKED if self.objects else StoreState.ABSENT

    async def make(self) -> None:
        await self._check_reachable()
        self.made = True

    async def close(self) -> None:
        self.available = False

    async def _check_available(self) -> None:
        await self._check_reachable()
        if not self.made:
            raise StorageUnavailable("the memory store has not been made")

    async def _check_reachable(self) -> None:
        await asyncio.sleep(0)  # like every real store, it lets other tasks run
        if not self.available:
            raise StorageUnavailable("the memory store was made unavailable")

    async def _get(self, key: str) -> StoredObject:
        await self._check_available()
        found = self.objects.get(check_key(key))
        if found is None:
            raise ObjectMissing(key)
        return found
