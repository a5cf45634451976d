"""A rate with a small burst."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.dispatch.token_bucket import TokenBucket

RATES = st.floats(0.1, 2_000)
BURSTS = st.integers(1, 20)


@given(rate=RATES, burst=BURSTS, gaps=st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_no_period_has_more_events_than_the_rate_and_a_burst(rate: float, burst: int, gaps: list[float]) -> None:
    bucket, now, events = TokenBucket(rate, burst), 1_000.0, []
    for gap in gaps:
        now += gap
        for _ in range(bucket.tokens(now)):
            bucket.take(now)
            events.append(now)
    for first in range(len(events)):
        for last in range(first, len(events)):
            assert last - first + 1 <= rate * (events[last] - events[first]) + burst + 0.01


@given(rate=RATES, burst=BURSTS, start=st.floats(0, 1e7))
def test_a_burst_starts_at_once_and_each_further_event_after_an_interval(rate: float, burst: int, start: float) -> None:
    bucket, now = TokenBucket(rate, burst), start
    assert bucket.tokens(now) == burst
    assert bucket.next_at(now) == now
    for _ in range(burst):
        bucket.take(now)
    for _ in range(3):
        assert bucket.tokens(now) == 0
        assert bucket.next_at(now) - now == pytest.approx(1 / rate, abs=1e-6)
        now = bucket.next_at(now)
        assert bucket.tokens(now) == 1
        bucket.take(now)
