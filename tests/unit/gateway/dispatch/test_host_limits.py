"""Adaptive limits per host."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.dispatch.host_limits import BURST_SECONDS, IDLE_SECONDS, HostLimits
from services.gateway.dispatch.host_rules import HostRules

HOST = "shop.example"


def limits_of(start: int = 8, maximum: int = 64, rate: float = 0) -> HostLimits:
    rules = HostRules(start, maximum, rate)
    return HostLimits(lambda _: rules)


def limit_of(limits: HostLimits) -> int:
    """Of a host without a rate."""
    return limits.room(HOST, 0, 0)


class Traffic:
    """Rounds of downloads at one host: each round uses the whole limit, and its downloads end together."""

    def __init__(self, limits: HostLimits) -> None:
        self.limits = limits
        self.now = 0.0

    def round(self, *, refused: int = 0, first_byte_ms: int | None = 100, share: float = 1) -> int:
        """The limit after a round, of which the first downloads are refused."""
        sent_at = self.now = self.now + 0.1
        number = max(1, int(self.limits.room(HOST, 0, self.now) * share))
        for _ in range(number):
            self.limits.sent(HOST, self.now)
        self.now += 0.1
        for index in range(number):
            is_refused = index < refused
            self.limits.ended(
                HOST,
                sent_at=sent_at,
                in_flight=number - index,
                first_byte_ms=None if is_refused else first_byte_ms,
                refused=is_refused,
                now=self.now,
            )
        return limit_of(self.limits)


def test_an_unknown_host_has_its_polite_number() -> None:
    limits = limits_of(start=8)
    assert limit_of(limits) == 8
    assert limits.room(HOST, 0, 0) == 8
    assert limits.room(HOST, 5, 0) == 3
    assert limits.room(HOST, 9, 0) == 0
    assert not limits._hosts


def test_slow_start_doubles_the_limit_in_each_round() -> None:
    traffic = Traffic(limits_of(start=4, maximum=50))
    assert [traffic.round() for _ in range(5)] == [8, 16, 32, 50, 50]


def test_after_a_refusal_the_limit_is_halved_and_grows_by_one_per_round() -> None:
    traffic = Traffic(limits_of(start=32))
    assert traffic.round(refused=32) == 16
    after = [traffic.round() for _ in range(6)]
    assert after[-1] in range(20, 23)
    assert all(0 <= later - earlier <= 1 for earlier, later in pairwise(after))


def test_one_round_halves_only_once_and_the_next_one_again() -> None:
    traffic = Traffic(limits_of(start=64))
    assert traffic.round(refused=64) == 32
    assert traffic.round(refused=1) == 16
    assert [traffic.round(refused=64) for _ in range(8)][-1] == 1


def test_failures_without_response_change_nothing() -> None:
    traffic = Traffic(limits_of(start=8))
    assert [traffic.round(first_byte_ms=None) for _ in range(3)] == [8, 8, 8]


def test_a_limit_that_is_not_used_does_not_grow() -> None:
    traffic = Traffic(limits_of(start=8))
    assert [traffic.round(share=0.5) for _ in range(20)] == [8] * 20


def test_the_limit_stops_growing_when_latency_does_not_stay_level() -> None:
    traffic = Traffic(limits_of(start=4, maximum=1000))
    for _ in range(3):
        traffic.round(first_byte_ms=100)
    reached = traffic.round(first_byte_ms=1000)
    assert [traffic.round(first_byte_ms=1000) for _ in range(10)] == [reached] * 10
    for _ in range(5):
        traffic.round(first_byte_ms=110)
    assert limit_of(traffic.limits) > reached


def test_latency_that_varies_in_the_usual_bounds_does_not_stop_growth() -> None:
    traffic = Traffic(limits_of(start=4, maximum=64))
    for first_byte_ms in (20, 60, 40, 110, 30, 55, 70):
        traffic.round(first_byte_ms=first_byte_ms)
    assert limit_of(traffic.limits) == 64


def test_a_host_that_has_become_slower_is_measured_anew_after_some_minutes() -> None:
    traffic = Traffic(limits_of(start=8, maximum=64))
    traffic.round(first_byte_ms=50)
    reached = traffic.round(first_byte_ms=600)
    while traffic.now < 900:
        traffic.now += 10
        traffic.round(first_byte_ms=600)
    assert limit_of(traffic.limits) > reached


events = st.lists(
    st.tuples(st.booleans(), st.one_of(st.none(), st.integers(0, 3_000)), st.floats(0, 1), st.floats(0, 5)), max_size=80
)


@given(start=st.integers(1, 20), more=st.integers(0, 50), events=events)
def test_the_limit_stays_between_one_and_its_maximum(
    start: int, more: int, events: list[tuple[bool, int | None, float, float]]
) -> None:
    limits, now = limits_of(start, start + more), 0.0
    for refused, first_byte_ms, share, gap in events:
        sent_at, now = now, now + gap
        limits.ended(
            HOST,
            sent_at=sent_at,
            in_flight=max(1, round(share * limit_of(limits))),
            first_byte_ms=first_byte_ms,
            refused=refused,
            now=now,
        )
        assert 1 <= limit_of(limits) <= start + more


@given(start=st.integers(1, 20), more=st.integers(0, 200), first_byte_ms=st.integers(0, 10_000))
def test_as_many_healthy_downloads_as_are_missing_reach_the_maximum(start: int, more: int, first_byte_ms: int) -> None:
    limits = limits_of(start, start + more)
    for number in range(more):
        in_flight = limit_of(limits)
        limits.ended(
            HOST, sent_at=number, in_flight=in_flight, first_byte_ms=first_byte_ms, refused=False, now=number + 1
        )
    assert limit_of(limits) == start + more


@given(
    start=st.integers(1, 20),
    more=st.integers(0, 12),
    rounds=st.lists(st.integers(0, 3), max_size=12).map(lambda refused: [0, *refused]),
)
def test_after_any_refusals_healthy_rounds_reach_the_maximum(start: int, more: int, rounds: list[int]) -> None:
    traffic = Traffic(limits_of(start, start + more))
    for refused in rounds:
        traffic.round(refused=refused)
    for _ in range(start + more + 2):
        reached = traffic.round()
    assert reached == start + more


@given(start=st.integers(1, 100), healthy=st.integers(0, 50), refusals=st.integers(1, 20))
def test_a_refusal_halves_the_limit_once_per_round(start: int, healthy: int, refusals: int) -> None:
    limits, sent_at = limits_of(start, 200), 10.0
    for _ in range(healthy):
        in_flight = limit_of(limits)
        limits.ended(HOST, sent_at=0, in_flight=in_flight, first_byte_ms=10, refused=False, now=sent_at)
    before = limit_of(limits)
    for _ in range(refusals):
        limits.ended(HOST, sent_at=sent_at, in_flight=before, first_byte_ms=None, refused=True, now=sent_at + 1)
    assert limit_of(limits) == max(1, before // 2)
    limits.ended(HOST, sent_at=sent_at + 2, in_flight=1, first_byte_ms=None, refused=True, now=sent_at + 3)
    assert limit_of(limits) == max(1, before // 4)


@given(rate=st.floats(0.5, 500), gaps=st.lists(st.floats(0, 0.5), min_size=1, max_size=40))
def test_no_period_has_more_downloads_than_the_rate_and_a_burst(rate: float, gaps: list[float]) -> None:
    limits, now, sent = limits_of(start=1000, maximum=1000, rate=rate), 100.0, []
    burst = max(1, round(rate * BURST_SECONDS))
    for gap in gaps:
        now += gap
        while limits.room(HOST, 0, now):
            limits.sent(HOST, now)
            sent.append(now)
    for first in range(0, len(sent), 7):
        for last in range(first, len(sent)):
            assert last - first + 1 <= rate * (sent[last] - sent[first]) + burst + 0.01


def test_only_a_host_whose_rate_forbids_a_download_has_a_time_for_the_next() -> None:
    limits = limits_of(start=8, rate=2)
    assert limits.next_at(HOST, 100) is None
    limits.sent(HOST, 100)
    assert limits.room(HOST, 0, 100) == 0
    assert limits.next_at(HOST, 100.1) == pytest.approx(100.5)
    assert limits.next_at(HOST, 100.5) is None
    assert limits.room(HOST, 8, 100.5) == 0
    assert limits_of().next_at(HOST, 100) is None


def test_a_host_without_traffic_is_forgotten_and_polite_again() -> None:
    traffic = Traffic(limits_of(start=4))
    assert traffic.round() == 8
    traffic.limits.forget_idle(traffic.now + IDLE_SECONDS)
    assert limit_of(traffic.limits) == 8
    traffic.limits.forget_idle(traffic.now + IDLE_SECONDS + 1)
    assert limit_of(traffic.limits) == 4
    assert not traffic.limits._hosts


def test_a_slow_rate_is_not_forgotten() -> None:
    limits = limits_of(rate=0.001)
    limits.sent(HOST, 0)
    limits.forget_idle(900)
    assert limits.room(HOST, 0, 900) == 0
    limits.forget_idle(1001)
    assert not limits._hosts
