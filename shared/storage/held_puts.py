"""An object store whose puts wait while it is unavailable, for callers whose objects are expensive to make again."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Protocol

from shared.storage.object_store import ObjectStat, ObjectStore, StoreState


class Hold(Protocol):
    """Repeats a call while the store is unavailable, within a limit."""

    async def __call__(self, call: Callable[[], Awaitable[None]], /) -> None: ...


class HeldPuts:
    """`store` with `hold` around each put and copy."""

    def __init__(self, store: ObjectStore, hold: Hold) -> None:
        self._store = store
        self._hold = hold

    async def put_file(self, key: str, path: Path, content_type: str, *, durable: bool = True) -> None:
        await self._hold(partial(self._store.put_file, key, path, content_type, durable=durable))

    async def put_bytes(self, key: str, data: bytes, content_type: str, *, durable: bool = True) -> None:
        await self._hold(partial(self._store.put_bytes, key, data, content_type, durable=durable))

    async def copy(self, source: str, target: str, content_type: str, *, durable: bool = True) -> None:
        await self._hold(partial(self._store.copy, source, target, content_type, durable=durable))

    async def get_bytes(self, key: str) -> bytes:
        return await self._store.get_bytes(key)

    async def stat(self, key: str) -> ObjectStat | None:
        return await self._store.stat(key)

    def read_chunks(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        return self._store.read_chunks(key, start, end)

    async def delete(self, keys: Iterable[str]) -> None:
        await self._store.delete(keys)

    def list_keys(self, prefix: str) -> AsyncGenerator[str, None]:
        return self._store.list_keys(prefix)

    async def time(self) -> datetime | None:
        return await self._store.time()

    async def ping(self) -> None:
        await self._store.ping()

    async def state(self) -> StoreState:
        return await self._store.state()

    async def make(self) -> None:
        await self._store.make()

    async def close(self) -> None:
        await self._store.close()
