"""Calls in threads have a time limit, and those that hang are known."""

import asyncio
from collections.abc import AsyncIterator
from threading import Event

import pytest

from shared.errors import StorageUnavailable
from shared.long_lived import progress_is
from shared.storage.threads import Threads

HUNG = "a call of the object store takes longer than 0.05 s"


@pytest.fixture
async def threads(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Threads]:
    monkeypatch.setattr("shared.storage.threads.CALL_SECONDS", 0.05)
    threads = Threads(1, "test")
    yield threads
    await asyncio.wait_for(threads.close(), 1)


async def test_a_call_that_hangs_is_unavailability_until_it_returns(threads: Threads) -> None:
    returns = Event()
    with pytest.raises(StorageUnavailable, match=HUNG):
        await threads.run(returns.wait)
    with pytest.raises(StorageUnavailable, match=HUNG):  # it waits for the only thread
        await threads.run(int)
    waiting = asyncio.create_task(threads.until_none_hangs())
    await asyncio.sleep(0.02)
    assert not waiting.done()
    returns.set()
    await asyncio.wait_for(waiting, 1)
    assert await threads.run(int) == 0


async def test_threads_end_although_a_call_hangs(threads: Threads) -> None:
    returns = Event()
    with pytest.raises(StorageUnavailable):
        await threads.run(returns.wait)
    await asyncio.wait_for(threads.close(), 1)
    returns.set()


async def test_a_large_file_has_more_time(threads: Threads) -> None:
    assert await threads.run(lambda: Event().wait(0.1) or True, size=1_000_000)


async def test_a_timeout_of_the_call_itself_is_its_result(threads: Threads) -> None:
    def call() -> None:
        raise TimeoutError("by the file system")

    with pytest.raises(TimeoutError, match="by the file system"):
        await threads.run(call)


async def test_a_call_that_returns_is_progress(threads: Threads) -> None:
    beats: list[int] = []
    with progress_is(lambda: beats.append(1)):
        await threads.run(int)
    assert beats
