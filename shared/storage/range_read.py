"""Streaming a part of an object out of a blocking source, a chunk per call in a thread."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager
from threading import Lock
from typing import Protocol

from shared.errors import StorageUnavailable
from shared.storage.threads import Threads

CHUNK = 256 * 1024


class Source(Protocol):
    def read(self, size: int, /) -> bytes: ...
    def close(self) -> None: ...


Open = Callable[[], tuple[Source, int]]
"""Opens the source at the range's first byte; gives it and the range's length in bytes."""


async def read_range(
    threads: Threads, open_: Open, faults: Callable[[], AbstractContextManager[None]]
) -> AsyncIterator[bytes]:
    """The range in chunks. A small one takes a single call: open, read and close. `faults` surrounds every call."""
    reading = _Reading(open_, faults)
    try:
        while not reading.finished:
            chunk = await threads.run(reading.next)
            if chunk:
                yield chunk
    finally:
        if not reading.finished:
            threads.release(reading.close)


class _Reading:
    """The lock lets `close` wait for a call that outlives its cancelled caller."""

    def __init__(self, open_: Open, faults: Callable[[], AbstractContextManager[None]]) -> None:
        self._open = open_
        self._faults = faults
        self._lock = Lock()
        self._source: Source | None = None
        self._left = 0
        self.finished = False

    def next(self) -> bytes:
        with self._lock, self._faults():
            if self._source is None:
                self._source, self._left = self._open()
            chunk = self._source.read(min(CHUNK, self._left)) if self._left else b""
            self._left -= len(chunk)
            if self._left and not chunk:
                raise StorageUnavailable(f"an object ended {self._left} bytes early")
            if not self._left:
                self._source.close()
                self.finished = True
            return chunk

    def close(self) -> None:
        with self._lock:
            self.finished = True
            if self._source is not None:
                self._source.close()
