"""The limits per host: concurrent requests, and requests per second."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.downloader.host_limiter import HostBusy, HostLimiter, TokenBucket


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


@given(
    rate=st.floats(0.1, 200),
    burst=st.integers(1, 20),
    gaps=st.lists(st.floats(0, 1), min_size=1, max_size=60),
)
def test_no_period_has_more_requests_than_the_rate_and_a_burst(rate: float, burst: int, gaps: list[float]) -> None:
    bucket, now, begun = TokenBucket(rate, burst), 1000.0, []
    for gap in gaps:
        now += gap
        begun.append(now + bucket.delay(now))
        bucket.take(now)
    assert begun == sorted(begun)
    for first in range(len(begun)):
        for last in range(first, len(begun)):
            assert last - first + 1 <= rate * (begun[last] - begun[first]) + burst + 1e-6


@given(rate=st.floats(0.1, 200), burst=st.integers(1, 20))
def test_a_burst_is_not_delayed_and_the_next_request_waits_one_interval(rate: float, burst: int) -> None:
    bucket = TokenBucket(rate, burst)
    for _ in range(burst):
        assert bucket.delay(1000.0) <= 1e-9
        bucket.take(1000.0)
    assert bucket.delay(1000.0) == pytest.approx(1 / rate, abs=1e-6)


async def test_a_request_that_would_wait_too_long_is_refused_and_not_counted() -> None:
    now = 1000.0
    limiter = HostLimiter(per_host=9, max_wait=0, rate=2, clock=lambda: now)
    async with limiter.permit("a"):
        pass
    for _ in range(5):
        with pytest.raises(HostBusy):
            async with limiter.permit("a"):
                pytest.fail("it got a permit")
    async with limiter.permit("b"):
        pass
    now += 0.5
    async with limiter.permit("a"):
        pass


async def test_a_host_is_kept_until_its_bucket_is_full() -> None:
    now = 1000.0
    limiter = HostLimiter(per_host=9, max_wait=0, rate=1, clock=lambda: now)
    for name in ("a", "b", "c"):
        async with limiter.permit(name):
            pass
    assert len(limiter) == 3
    now += 1.5
    async with limiter.permit("d"):
        pass
    assert len(limiter) == 1
