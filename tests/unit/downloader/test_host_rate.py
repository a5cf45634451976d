"""So many requests to one host in a second, whenever they come."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.downloader.host_limiter import HostBusy, HostLimiter, TokenBucket


@given(
    rate=st.floats(0.1, 200),
    burst=st.integers(1, 20),
    gaps=st.lists(st.floats(0, 1), min_size=1, max_size=60),
)
def test_no_window_sees_more_than_the_rate_and_a_burst(rate: float, burst: int, gaps: list[float]) -> None:
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
def test_a_burst_goes_at_once_and_the_next_one_waits_an_interval(rate: float, burst: int) -> None:
    bucket = TokenBucket(rate, burst)
    for _ in range(burst):
        assert bucket.delay(1000.0) <= 1e-9
        bucket.take(1000.0)
    assert bucket.delay(1000.0) == pytest.approx(1 / rate, abs=1e-6)


async def test_whoever_would_wait_too_long_for_a_turn_is_sent_away_and_costs_none() -> None:
    now = 1000.0
    limiter = HostLimiter(per_host=9, wait=0, rate=2, clock=lambda: now)
    async with limiter.slot("a"):
        pass
    for _ in range(5):
        with pytest.raises(HostBusy):
            async with limiter.slot("a"):
                pytest.fail("it was let through")
    async with limiter.slot("b"):
        pass
    now += 0.5
    async with limiter.slot("a"):
        pass


async def test_a_host_is_remembered_until_its_bucket_is_full() -> None:
    now = 1000.0
    limiter = HostLimiter(per_host=9, wait=0, rate=1, clock=lambda: now)
    for name in ("a", "b", "c"):
        async with limiter.slot(name):
            pass
    assert len(limiter) == 3
    now += 1.5
    async with limiter.slot("d"):
        pass
    assert len(limiter) == 1
