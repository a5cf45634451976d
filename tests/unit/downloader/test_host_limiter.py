"""The limit of concurrent requests to one host."""

import asyncio

import pytest

from services.downloader.host_limiter import HostBusy, HostLimiter


async def hold(limiter: HostLimiter, host: str, until: asyncio.Event) -> None:
    async with limiter.permit(host):
        await until.wait()


async def test_a_request_beyond_the_limit_waits_for_a_permit() -> None:
    limiter, done, entered = HostLimiter(per_host=2, max_wait=5), asyncio.Event(), asyncio.Event()

    async def third() -> None:
        async with limiter.permit("a"):
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


@pytest.mark.parametrize("max_wait", [0, 0.01])
async def test_a_request_that_waits_too_long_raises_host_busy(max_wait: float) -> None:
    limiter = HostLimiter(per_host=1, max_wait=max_wait)
    async with limiter.permit("a"):
        with pytest.raises(HostBusy):
            async with limiter.permit("a"):
                pytest.fail("the permit was given twice")
        async with limiter.permit("b"):
            pass
    async with limiter.permit("a"):
        pass


async def test_a_failed_or_cancelled_request_returns_its_permit() -> None:
    limiter = HostLimiter(per_host=1, max_wait=0)
    with pytest.raises(ZeroDivisionError):
        async with limiter.permit("a"):
            raise ZeroDivisionError
    holding = asyncio.create_task(hold(limiter, "a", asyncio.Event()))
    await asyncio.sleep(0)
    holding.cancel()
    await asyncio.gather(holding, return_exceptions=True)
    async with limiter.permit("a"):
        pass


async def test_idle_hosts_are_removed() -> None:
    limiter = HostLimiter(per_host=1, max_wait=0)
    for number in range(1000):
        async with limiter.permit(f"host-{number}"):
            assert len(limiter) == 1
    async with limiter.permit("a"):
        with pytest.raises(HostBusy):
            async with limiter.permit("a"):
                pass
        assert len(limiter) == 1
    assert len(limiter) == 0
