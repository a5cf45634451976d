"""Concurrent calls are processed in batches, and each gets its own result."""

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.micro_batcher import MicroBatcher


class Doubler:
    """Doubles numbers, batch by batch; a batch that contains `poison` fails."""

    def __init__(self, poison: int | None = None) -> None:
        self.batches: list[list[int]] = []
        self.begun = asyncio.Event()
        self.may_continue = asyncio.Event()
        self.may_continue.set()
        self._poison = poison

    async def __call__(self, items: Sequence[int]) -> list[int]:
        self.batches.append(list(items))
        self.begun.set()
        await self.may_continue.wait()
        if self._poison in items:
            raise ValueError(self._poison)
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


async def test_it_works_again_after_it_was_idle() -> None:
    batcher = MicroBatcher(Doubler())
    assert [await batcher(item) for item in (1, 2, 3)] == [2, 4, 6]


async def test_an_exception_reaches_the_callers_of_its_batch_and_no_others() -> None:
    batcher = MicroBatcher(Doubler(poison=3), max_items=2)
    results = await asyncio.gather(*map(batcher, (1, 2, 3, 4, 5)), return_exceptions=True)
    assert results[:2] == [2, 4]
    assert [type(result) for result in results[2:4]] == [ValueError, ValueError]
    assert results[4] == 10
    with pytest.raises(ValueError, match="3"):
        await batcher(3)
    assert await batcher(6) == 12


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
