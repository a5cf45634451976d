"""Streams a range of an object from a blocking source, one chunk per call in a thread."""

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
"""Opens the source at the first byte of the range; returns it and the length of the range in bytes."""


async def read_range(
    threads: Threads, open_: Open, errors: Callable[[], AbstractContextManager[None]]
) -> AsyncIterator[bytes]:
    """The range in chunks. A small range needs one call: open, read and close. `errors` wraps every call."""
    reader = _RangeReader(open_, errors)
    try:
        while not reader.finished:
            chunk = await threads.run(reader.next)
            if chunk:
                yield chunk
    finally:
        if not reader.finished:
            threads.release(reader.close)


class _RangeReader:
    """If a call is still running after its caller was cancelled, `close` leaves the closing to it."""

    def __init__(self, open_: Open, errors: Callable[[], AbstractContextManager[None]]) -> None:
        self._open = open_
        self._errors = errors
        self._lock = Lock()
        self._source: Source | None = None
        self._left = 0
        self._abandoned = False
        self.finished = False

    def next(self) -> bytes:
        try:
            return self._next()
        finally:
            if self._abandoned:
                self.close()

    def _next(self) -> bytes:
        with self._lock, self._errors():
            if self._source is None:
                self._source, self._left = self._open()
            chunk = self._source.read(min(CHUNK, self._left)) if self._left else b""
            self._left -= len(chunk)
            if self._left and not chunk:
                raise StorageUnavailable(f"the object ended {self._left} bytes early")
            if not self._left:
                self._source.close()
                self.finished = True
            return chunk

    def close(self) -> None:
        """Does not wait for a call that hangs, since that would hold a second thread."""
        self._abandoned = True
        if self._lock.acquire(blocking=False):
            try:
                self.finished = True
                if self._source is not None:
                    self._source.close()
            finally:
                self._lock.release()
