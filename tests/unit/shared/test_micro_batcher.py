"""Calls that come together become one, and each gets its own answer."""

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.micro_batcher import MicroBatcher


class Doubler:
    """Doubles numbers, batch by batch; it fails a batch that has `poison` in it."""

    def __init__(self, poison: int | None = None) -> None:
        self.batches: list[list[int]] = []
        self.begun = asyncio.Event()
        self.may_go_on = asyncio.Event()
        self.may_go_on.set()
        self._poison = poison

    async def __call__(self, items: Sequence[int]) -> list[int]:
        self.batches.append(list(items))
        self.begun.set()
        await self.may_go_on.wait()
        if self._poison in items:
            raise ValueError(self._poison)
        return [2 * item for item in items]


@given(items=st.lists(st.integers(), max_size=50), most=st.integers(1, 10))
async def test_each_call_gets_its_own_answer_and_no_batch_is_too_long(items: list[int], most: int) -> None:
    flush = Doubler()
    gatherer = MicroBatcher(flush, most=most)
    assert await asyncio.gather(*map(gatherer, items)) == [2 * item for item in items]
    assert [item for batch in flush.batches for item in batch] == items
    assert all(len(batch) <= most for batch in flush.batches)


async def test_calls_during_a_flush_gather_for_the_next_one() -> None:
    flush = Doubler()
    flush.may_go_on.clear()
    gatherer = MicroBatcher(flush)
    calls = [asyncio.create_task(gatherer(1))]
    await flush.begun.wait()
    calls += [asyncio.create_task(gatherer(item)) for item in (2, 3, 4)]
    await asyncio.sleep(0)
    flush.may_go_on.set()
    assert await asyncio.gather(*calls) == [2, 4, 6, 8]
    assert flush.batches == [[1], [2, 3, 4]]


async def test_calls_within_the_linger_make_one_flush() -> None:
    flush = Doubler()
    gatherer = MicroBatcher(flush, linger=0.05)
    first = asyncio.create_task(gatherer(1))
    await asyncio.sleep(0.001)
    assert await asyncio.gather(*[first, gatherer(2)]) == [2, 4]
    assert flush.batches == [[1, 2]]


async def test_it_goes_on_after_it_was_idle() -> None:
    gatherer = MicroBatcher(Doubler())
    assert [await gatherer(item) for item in (1, 2, 3)] == [2, 4, 6]


async def test_what_a_flush_raises_reaches_its_callers_and_no_others() -> None:
    gatherer = MicroBatcher(Doubler(poison=3), most=2)
    answers = await asyncio.gather(*map(gatherer, (1, 2, 3, 4, 5)), return_exceptions=True)
    assert answers[:2] == [2, 4]
    assert [type(answer) for answer in answers[2:4]] == [ValueError, ValueError]
    assert answers[4] == 10
    with pytest.raises(ValueError, match="3"):
        await gatherer(3)
    assert await gatherer(6) == 12


async def test_a_caller_that_gives_up_disturbs_nobody() -> None:
    flush = Doubler()
    flush.may_go_on.clear()
    gatherer = MicroBatcher(flush)
    calls = [asyncio.create_task(gatherer(item)) for item in (1, 2, 3)]
    await flush.begun.wait()
    calls[1].cancel()
    waiting = asyncio.create_task(gatherer(4))
    await asyncio.sleep(0)
    waiting.cancel()
    flush.may_go_on.set()
    answers = await asyncio.gather(*calls, waiting, gatherer(5), return_exceptions=True)
    assert [answers[0], answers[2], answers[4]] == [2, 6, 10]
    assert [type(answers[1]), type(answers[3])] == [asyncio.CancelledError, asyncio.CancelledError]
