"""Concurrent calls are processed in batches, and each gets its own result."""

import asyncio
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from shared.errors import DatabaseUnavailable
from shared.micro_batcher import MicroBatcher


class Doubler:
    """Doubles numbers, batch by batch; a batch that contains one of `poison` fails."""

    def __init__(self, *poison: int, fault: type[Exception] = ValueError) -> None:
        self.batches: list[list[int]] = []
        self.begun = asyncio.Event()
        self.may_continue = asyncio.Event()
        self.may_continue.set()
        self._poison = set(poison)
        self._fault = fault

    async def __call__(self, items: Sequence[int]) -> list[int]:
        self.batches.append(list(items))
        self.begun.set()
        await self.may_continue.wait()
        if found := self._poison.intersection(items):
            raise self._fault(found)
        return [2 * item for item in items]


@given(items=st.lists(st.integers(), max_size=50), max_items=st.integers(1, 10))
async def test_each_call_gets_its_own_result_and_no_batch_exceeds_the_maximum(items: list[int], max_items: int) -> None:
    flush = Doubler()
    batcher = MicroBatcher(flush, max_items=max_items)
    assert await asyncio.gather(*map(batcher, items)) == [2 * item for item in items]
    assert [item for batch in flush.batches for item in batch] == items
    assert all(len(batch) <= max_items for batch in flush.batches)


async def test_calls_during_a_flush_form_the_next_batch() -> None:
    flush = Doubler()
    flush.may_continue.clear()
    batcher = MicroBatcher(flush)
    calls = [asyncio.create_task(batcher(1))]
    await flush.begun.wait()
    calls += [asyncio.create_task(batcher(item)) for item in (2, 3, 4)]
    await asyncio.sleep(0)
    flush.may_continue.set()
    assert await asyncio.gather(*calls) == [2, 4, 6, 8]
    assert flush.batches == [[1], [2, 3, 4]]


async def test_calls_within_the_linger_time_form_one_batch() -> None:
    flush = Doubler()
    batcher = MicroBatcher(flush, linger=0.05)
    first = asyncio.create_task(batcher(1))
    await asyncio.sleep(0)  # the first call waits for others now
    assert await asyncio.gather(*[first, batcher(2)]) == [2, 4]
    assert flush.batches == [[1, 2]]


async def test_after_several_items_the_next_flush_waits_for_more_unless_the_batch_is_full() -> None:
    now = asyncio.get_running_loop().time
    flush = Doubler()
    batcher = MicroBatcher(flush, interval=0.5, max_items=3)
    began_at = now()
    for item in (1, 2):
        assert await batcher(item) == 2 * item
    assert now() - began_at < 0.5, "items that come one by one do not wait"
    await asyncio.gather(batcher(3), batcher(4))
    later = asyncio.create_task(batcher(5))
    await asyncio.sleep(0.05)
    await asyncio.gather(batcher(6), later)
    later = asyncio.create_task(batcher(7))
    await asyncio.sleep(0.02)
    await asyncio.gather(*map(batcher, (8, 9, 10)), later)
    assert flush.batches == [[1], [2], [3, 4], [5, 6], [7, 8, 9], [10]]


async def test_it_works_again_after_it_was_idle() -> None:
    batcher = MicroBatcher(Doubler())
    assert [await batcher(item) for item in (1, 2, 3)] == [2, 4, 6]


@given(poison=st.sets(st.integers(0, 30), max_size=3), max_items=st.integers(1, 40))
async def test_an_exception_reaches_only_the_callers_whose_item_is_at_fault(poison: set[int], max_items: int) -> None:
    batcher = MicroBatcher(Doubler(*poison), max_items=max_items)
    items = range(31)
    results = await asyncio.gather(*map(batcher, items), return_exceptions=True)
    assert [isinstance(result, ValueError) for result in results] == [item in poison for item in items]
    assert [result for result in results if isinstance(result, int)] == [2 * n for n in items if n not in poison]
    assert await batcher(40) == 80


async def test_an_unavailable_dependency_reaches_every_caller_after_one_try() -> None:
    flush = Doubler(3, fault=DatabaseUnavailable)
    results = await asyncio.gather(*map(MicroBatcher(flush), range(8)), return_exceptions=True)
    assert {type(result) for result in results} == {DatabaseUnavailable}
    assert len(flush.batches) == 1


async def test_a_result_that_is_an_exception_reaches_its_caller_without_a_second_flush() -> None:
    flushed: list[Sequence[int]] = []

    async def flush(items: Sequence[int]) -> list[int | Exception]:
        flushed.append(items)
        return [item or ValueError("zero") for item in items]

    batcher: MicroBatcher[int, int] = MicroBatcher(flush)
    one, zero, two = await asyncio.gather(*map(batcher, (1, 0, 2)), return_exceptions=True)
    assert (one, two) == (1, 2)
    assert isinstance(zero, ValueError)
    assert len(flushed) == 1


async def test_a_cancelled_caller_does_not_affect_the_others() -> None:
    flush = Doubler()
    flush.may_continue.clear()
    batcher = MicroBatcher(flush)
    calls = [asyncio.create_task(batcher(item)) for item in (1, 2, 3)]
    await flush.begun.wait()
    calls[1].cancel()
    waiting = asyncio.create_task(batcher(4))
    await asyncio.sleep(0)
    waiting.cancel()
    flush.may_continue.set()
    results = await asyncio.gather(*calls, waiting, batcher(5), return_exceptions=True)
    assert [results[0], results[2], results[4]] == [2, 6, 10]
    assert [type(results[1]), type(results[3])] == [asyncio.CancelledError, asyncio.CancelledError]


async def test_a_flush_that_a_library_cancels_leaves_no_caller_waiting() -> None:
    class CancelledOnce(Doubler):
        async def __call__(self, items: Sequence[int]) -> list[int]:
            if not self.batches:
                self.batches.append(list(items))
                raise asyncio.CancelledError
            return await super().__call__(items)

    batcher = MicroBatcher(CancelledOnce(), max_items=2)
    async with asyncio.timeout(5):
        results = await asyncio.gather(*map(batcher, [1, 2, 3]), return_exceptions=True)
    assert [type(result) for result in results[:2]] == [asyncio.CancelledError] * 2
    assert results[2] == 6
