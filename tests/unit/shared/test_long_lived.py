"""An unrequested cancellation is distinguished from a stop, and a long-lived task cannot end unnoticed."""

import asyncio

import pytest

from shared.long_lived import EndedUnasked, all_lasting, is_asked_to_stop, lasting


async def cancelled_by_a_library() -> None:
    """As aiormq does to whoever waits for a connection that dies."""
    future = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon(future.cancel)
    await future


async def test_a_future_that_a_library_cancels_is_no_request_to_stop() -> None:
    with pytest.raises(asyncio.CancelledError):
        await cancelled_by_a_library()
    assert not is_asked_to_stop()


async def test_a_cancelled_task_is_asked_to_stop() -> None:
    seen: list[bool] = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            seen.append(is_asked_to_stop())
            raise

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert seen == [True]


async def test_a_timeout_inside_is_no_request_to_stop() -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await asyncio.sleep(1)
    assert not is_asked_to_stop()


async def test_a_task_that_a_library_cancels_ends_its_group() -> None:
    async def group() -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(lasting("the loop", cancelled_by_a_library(), asyncio.Event()))
            tasks.create_task(asyncio.sleep(60))

    with pytest.raises(ExceptionGroup) as raised:
        await group()
    assert [str(error) for error in raised.value.exceptions] == ["the loop was cancelled by a library"]


async def test_a_task_that_returns_too_early_ends_its_group() -> None:
    with pytest.raises(EndedUnasked, match="the loop ended before"):
        await lasting("the loop", asyncio.sleep(0), asyncio.Event())


async def test_a_task_may_end_after_the_stop_and_may_be_cancelled() -> None:
    stop = asyncio.Event()
    stop.set()
    await lasting("the loop", asyncio.sleep(0), stop)

    task = asyncio.create_task(lasting("the loop", asyncio.sleep(60), asyncio.Event()))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()


async def test_the_error_of_one_lasting_work_ends_the_others() -> None:
    ended = asyncio.Event()

    async def waits() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async def returns() -> None:
        await asyncio.sleep(0)

    with pytest.raises(ExceptionGroup) as raised:
        await all_lasting([("one", waits()), ("other", returns())], asyncio.Event())
    [error] = raised.value.exceptions
    assert isinstance(error, EndedUnasked)
    assert "other" in str(error)
    assert ended.is_set()
