"""The bound of concurrent requests to one host."""

import asyncio

import pytest

from services.downloader.host_limiter import HostLimiter


async def hold(limiter: HostLimiter, host: str, until: asyncio.Event) -> None:
    async with limiter.permit(host):
        await until.wait()


async def turns(number: int = 5) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


async def test_a_request_beyond_the_limit_waits_for_a_permit_and_delays_no_other_host() -> None:
    limiter, done, entered = HostLimiter(per_host=2), asyncio.Event(), asyncio.Event()

    async def third() -> None:
        async with limiter.permit("a"):
            entered.set()

    holding = [asyncio.create_task(hold(limiter, "a", done)) for _ in range(2)]
    await turns()
    waiting = asyncio.create_task(third())
    await turns()
    assert not entered.is_set()
    async with limiter.permit("b"):
        pass
    done.set()
    async with asyncio.timeout(5):
        await asyncio.gather(*holding, waiting)
    assert entered.is_set()


async def test_permits_are_given_in_order_of_arrival() -> None:
    limiter, order = HostLimiter(per_host=1), list[int]()

    async def take(number: int) -> None:
        async with limiter.permit("a"):
            order.append(number)
            await asyncio.sleep(0)

    await asyncio.gather(*map(take, range(20)))
    assert order == list(range(20))


async def test_a_failed_or_cancelled_request_returns_its_permit() -> None:
    limiter = HostLimiter(per_host=1)
    with pytest.raises(ZeroDivisionError):
        async with limiter.permit("a"):
            raise ZeroDivisionError
    tasks = [asyncio.create_task(hold(limiter, "a", asyncio.Event())) for _ in range(2)]
    await turns()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    async with asyncio.timeout(5), limiter.permit("a"):
        pass


async def test_idle_hosts_are_removed() -> None:
    limiter = HostLimiter(per_host=1)
    for number in range(1000):
        async with limiter.permit(f"host-{number}"):
            assert len(limiter) == 1
    assert len(limiter) == 0
