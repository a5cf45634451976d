"""The interface of object stores. Implementations: `directory`, `s3` and the tests' memory store."""

from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class ObjectStat:
    """The metadata of an object."""

    size: int
    """Bytes."""
    etag: str
    """Opaque, without quotes; different content has a different etag."""
    modified: datetime
    """When it was stored, in UTC."""


class StoreState(Enum):
    """Whether there is a store."""

    MADE = "made"
    """It is marked as one by `make`."""
    UNMARKED = "unmarked"
    """It has objects and no mark: a store of a version without marks."""
    ABSENT = "absent"
    """Nothing is there, or an empty directory or bucket."""


def check_range(start: int, end: int | None) -> None:
    """Raise ValueError unless `start` and `end` can be the bounds of a range."""
    if start < 0 or (end is not None and end < start):
        raise ValueError(f"not a range of bytes: {start} to {end}")


class ObjectStore(Protocol):
    """Complete objects under keys.

    Every method raises StorageUnavailable if the store fails, and ValueError for a key that `check_key` refuses. Puts
    are atomic: a reader sees the old content or the new one, even if the writer is killed. A second put under a key
    replaces the object. Until `make` has marked the store once, only `state` and `make` work.
    """

    async def put_file(self, key: str, path: Path, content_type: str, *, durable: bool = True) -> None:
        """Store a copy of the file at `path`, in bounded memory.

        With `durable` the object survives a power cut once this returns; without it, only a crash of the process.
        """

    async def put_bytes(self, key: str, data: bytes, content_type: str, *, durable: bool = True) -> None:
        """Store `data`; `durable` as for `put_file`."""

    async def copy(self, source: str, target: str, content_type: str, *, durable: bool = True) -> None:
        """Store an independent copy of the object `source` under `target`. Raises ObjectMissing."""

    async def get_bytes(self, key: str) -> bytes:
        """The whole object. Raises ObjectMissing."""

    async def stat(self, key: str) -> ObjectStat | None:
        """The object's metadata, or None if it does not exist."""

    def read_chunks(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """Stream the bytes from `start` to before `end`, both limited to the object's size.

        Raises ObjectMissing at the first chunk.
        """

    async def delete(self, keys: Iterable[str]) -> None:
        """Delete the objects; missing ones are ignored."""

    def list_keys(self, prefix: str) -> AsyncGenerator[str, None]:
        """Stream every key that starts with `prefix`, in no particular order."""

    async def time(self) -> datetime | None:
        """The time by the store's clock; None if it does not report one."""

    async def ping(self) -> None:
        """Raise StorageUnavailable unless the store can be written; it writes enough to notice a full disk."""

    async def state(self) -> StoreState:
        """Whether the store has been made."""

    async def make(self) -> None:
        """Make the store, or mark the objects that are there as one. Repeatable."""

    async def close(self) -> None:
        """Release threads and connections. The store cannot be used afterwards."""
