"""Isolated work has its process for itself, and neither kind of work starves the other."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from shared.isolation import Isolation
from tests.support.waiting import until

PATIENCE = 5.0


class Work:
    """One piece of work, which runs until `end` is set."""

    def __init__(self, admission: AbstractAsyncContextManager[None]) -> None:
        self.end = asyncio.Event()
        self.runs = False
        self._task = asyncio.create_task(self._run(admission))

    async def _run(self, admission: AbstractAsyncContextManager[None]) -> None:
        async with admission:
            self.runs = True
            await self.end.wait()
            self.runs = False

    async def has_begun(self) -> None:
        await until(lambda: self.runs, PATIENCE)

    async def ended(self) -> None:
        self.end.set()
        await asyncio.wait_for(self._task, PATIENCE)

    async def cancelled(self) -> None:
        self._task.cancel()
        await asyncio.wait([self._task], timeout=PATIENCE)


@asynccontextmanager
async def several(isolation: Isolation, count: int = 3) -> AsyncIterator[list[Work]]:
    """Shared work in progress; it ends with the block."""
    works = [Work(isolation.shared()) for _ in range(count)]
    for work in works:
        await work.has_begun()
    yield works
    for work in works:
        await work.ended()


async def settled() -> None:
    """Let every task run that can."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_isolated_work_begins_when_the_work_in_progress_has_ended_and_delays_new_work() -> None:
    isolation = Isolation()
    async with several(isolation):
        isolated = Work(isolation.isolated())
        await settled()
        late = Work(isolation.shared())
        await settled()
        assert not isolated.runs
        assert not late.runs

    await isolated.has_begun()
    await settled()
    assert not late.runs
    await isolated.ended()
    await late.has_begun()
    await late.ended()


async def test_isolated_work_runs_one_at_a_time() -> None:
    isolation = Isolation()
    first, second = Work(isolation.isolated()), Work(isolation.isolated())
    await first.has_begun()
    await settled()
    assert not second.runs
    await first.ended()
    await second.has_begun()
    await second.ended()


async def test_shared_work_gets_as_much_time_as_it_was_delayed_before_the_next_isolated_work() -> None:
    now = 100.0
    isolation = Isolation(lambda: now)
    first, waiting = Work(isolation.isolated()), Work(isolation.shared())
    await first.has_begun()
    now += 0.3
    await first.ended()
    await waiting.has_begun()

    second = Work(isolation.isolated())
    await settled()
    beside = Work(isolation.shared())
    await beside.has_begun()

    for work in (waiting, beside):
        await work.ended()
    await second.has_begun()
    await second.ended()


async def test_shared_work_that_never_pauses_does_not_starve_isolated_work() -> None:
    isolation = Isolation()
    held_up = Work(isolation.isolated())
    await held_up.has_begun()
    await held_up.ended()
    ended = False

    async def always() -> None:
        while not ended:
            async with isolation.shared():
                await asyncio.sleep(0.001)

    busy = [asyncio.create_task(always()) for _ in range(3)]
    try:
        for _ in range(3):
            isolated = Work(isolation.isolated())
            await isolated.has_begun()
            await isolated.ended()
    finally:
        ended = True
        await asyncio.wait_for(asyncio.gather(*busy), PATIENCE)


@pytest.mark.parametrize("running", [False, True])
async def test_isolated_work_that_is_cancelled_blocks_nothing(running: bool) -> None:
    isolation = Isolation()
    async with several(isolation, 0 if running else 1):
        isolated = Work(isolation.isolated())
        await settled()
        assert isolated.runs == running
        await isolated.cancelled()

        late = Work(isolation.shared())
        await late.has_begun()
        await late.ended()


async def test_shared_work_that_is_cancelled_while_it_waits_is_not_waited_for() -> None:
    isolation = Isolation()
    first = Work(isolation.isolated())
    await first.has_begun()
    waiting = Work(isolation.shared())
    await settled()
    await waiting.cancelled()
    await first.ended()

    second = Work(isolation.isolated())
    await second.has_begun()
    await second.ended()
