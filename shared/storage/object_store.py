"""What every object store can do; `directory`, `s3` and the tests' memory store are the ones there are."""

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class ObjectStat:
    """An object's outside."""

    size: int
    """Bytes."""
    etag: str
    """Opaque and without quotes; another content has another etag."""
    modified: datetime
    """When it was put, in UTC."""


def check_range(start: int, end: int | None) -> None:
    """ValueError unless `start` and `end` can bound a part of an object."""
    if start < 0 or (end is not None and end < start):
        raise ValueError(f"not a range of bytes: {start} to {end}")


class ObjectStore(Protocol):
    """Whole objects under keys.

    Everything raises StorageUnavailable when the store itself is at fault, and ValueError for a key that
    `shared.storage.keys` does not allow. An object appears whole or not at all: a reader sees the old content
    or the new one, whatever is killed in between. Putting a key again replaces its object.
    """

    async def put_file(self, key: str, path: Path, content_type: str, *, durable: bool = True) -> None:
        """Store a copy of the file at `path`, in bounded memory; the file stays as it is.

        With `durable` the object outlives a power cut once this returns; without it, only a crash of the process.
        """

    async def put_bytes(self, key: str, data: bytes, content_type: str, *, durable: bool = True) -> None:
        """Store `data`; `durable` as for `put_file`."""

    async def copy(self, source: str, target: str, content_type: str, *, durable: bool = True) -> None:
        """Store the object `source` under `target` as well, as an object of its own. Raises ObjectMissing."""

    async def get_bytes(self, key: str) -> bytes:
        """The whole object. Raises ObjectMissing."""

    async def stat(self, key: str) -> ObjectStat | None:
        """Size, etag and time of the object, or None if there is none."""

    def read_chunks(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """Stream the bytes from `start` up to, not including, `end`, both cut to the object's size.

        Raises ObjectMissing at the first chunk.
        """

    async def delete(self, keys: Iterable[str]) -> None:
        """Remove the objects; a key without one is no error."""

    def list_keys(self, prefix: str) -> AsyncIterator[str]:
        """Every key that starts with `prefix`, in no particular order, streamed."""

    async def ping(self) -> None:
        """Return if the store can be read and written now, or raise StorageUnavailable."""

    async def close(self) -> None:
        """Let go of threads and connections; the store is not used afterwards."""
