"""So many requests to one host at a time, and no more."""

import asyncio

import pytest

from services.downloader.host_limiter import HostBusy, HostLimiter


async def hold(limiter: HostLimiter, host: str, until: asyncio.Event) -> None:
    async with limiter.slot(host):
        await until.wait()


async def test_a_request_beyond_the_limit_waits_for_a_free_slot() -> None:
    limiter, done, entered = HostLimiter(per_host=2, wait=5), asyncio.Event(), asyncio.Event()

    async def third() -> None:
        async with limiter.slot("a"):
            entered.set()

    holding = [asyncio.create_task(hold(limiter, "a", done)) for _ in range(2)]
    await asyncio.sleep(0)
    waiting = asyncio.create_task(third())
    for _ in range(5):
        await asyncio.sleep(0)
    assert not entered.is_set()
    done.set()
    async with asyncio.timeout(5):
        await asyncio.gather(*holding, waiting)
    assert entered.is_set()


@pytest.mark.parametrize("wait", [0, 0.01])
async def test_whoever_waits_too_long_is_told_that_the_host_is_busy(wait: float) -> None:
    limiter = HostLimiter(per_host=1, wait=wait)
    async with limiter.slot("a"):
        with pytest.raises(HostBusy):
            async with limiter.slot("a"):
                pytest.fail("the slot was taken twice")
        async with limiter.slot("b"):
            pass
    async with limiter.slot("a"):
        pass


async def test_slots_come_back_when_a_request_fails_or_is_cancelled() -> None:
    limiter = HostLimiter(per_host=1, wait=0)
    with pytest.raises(ZeroDivisionError):
        async with limiter.slot("a"):
            raise ZeroDivisionError
    holding = asyncio.create_task(hold(limiter, "a", asyncio.Event()))
    await asyncio.sleep(0)
    holding.cancel()
    await asyncio.gather(holding, return_exceptions=True)
    async with limiter.slot("a"):
        pass


async def test_idle_hosts_are_forgotten() -> None:
    limiter = HostLimiter(per_host=1, wait=0)
    for number in range(1000):
        async with limiter.slot(f"host-{number}"):
            assert len(limiter) == 1
    async with limiter.slot("a"):
        with pytest.raises(HostBusy):
            async with limiter.slot("a"):
                pass
        assert len(limiter) == 1
    assert len(limiter) == 0
