"""Reading a range in threads: cancelled readers, and when the source is closed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import nullcontext
from threading import Event

import pytest

from shared.errors import StorageUnavailable
from shared.storage.range_read import read_range
from shared.storage.threads import Threads

DEADLINE = 5.0


class SlowSource:
    """Returns one byte per read, once `more` is set. Records when it is closed, and whether during a read."""

    def __init__(self) -> None:
        self.more = Event()
        self.reading = Event()
        self.closed = Event()
        self.closed_while_reading = False

    def read(self, _size: int, /) -> bytes:
        self.reading.set()
        assert self.more.wait(DEADLINE)
        self.reading.clear()
        return b"x"

    def close(self) -> None:
        self.closed_while_reading = self.reading.is_set()
        self.closed.set()


@pytest.fixture
async def threads() -> AsyncIterator[Threads]:
    threads = Threads(2, "test")
    yield threads
    await threads.close()


async def test_a_cancelled_reader_ends_at_once_and_its_source_is_closed_after_the_read(threads: Threads) -> None:
    source = SlowSource()
    chunks = read_range(threads, lambda: (source, 10), nullcontext)
    reader = asyncio.ensure_future(anext(chunks))
    assert await asyncio.to_thread(source.reading.wait, DEADLINE)

    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(reader, DEADLINE)
    assert not source.closed.is_set()

    source.more.set()
    assert await asyncio.to_thread(source.closed.wait, DEADLINE)
    assert not source.closed_while_reading


async def test_a_source_is_closed_after_its_last_byte(threads: Threads) -> None:
    source = SlowSource()
    source.more.set()

    assert [chunk async for chunk in read_range(threads, lambda: (source, 3), nullcontext)] == [b"x"] * 3
    assert source.closed.is_set()


async def test_a_reader_that_stops_early_closes_its_source(threads: Threads) -> None:
    source = SlowSource()
    source.more.set()
    chunks = read_range(threads, lambda: (source, 3), nullcontext)
    assert await anext(chunks) == b"x"
    await chunks.aclose()  # type: ignore[attr-defined]

    assert await asyncio.to_thread(source.closed.wait, DEADLINE)


async def test_a_source_that_ends_early_raises_storage_unavailable(threads: Threads) -> None:
    class Short(SlowSource):
        def read(self, _size: int, /) -> bytes:
            return b""

    source = Short()
    with pytest.raises(StorageUnavailable, match="3 bytes early"):
        await anext(read_range(threads, lambda: (source, 3), nullcontext))
    assert await asyncio.to_thread(source.closed.wait, DEADLINE)
