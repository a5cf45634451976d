"""The minimum speed of a download."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.downloader.pace import Pace

SPEED, GRACE = 1000, 15.0
parts = st.lists(st.tuples(st.integers(0, 100_000), st.floats(0, 20)), max_size=30)


@given(parts)
def test_a_host_that_keeps_the_minimum_speed_is_never_too_slow(parts: list[tuple[int, float]]) -> None:
    pace = Pace(SPEED, GRACE)
    assert not any(pace.too_slow(size, size / SPEED) for size, _ in parts)


@given(parts)
def test_it_is_too_slow_once_any_stretch_lasted_longer_than_its_bytes_and_the_grace(
    parts: list[tuple[int, float]],
) -> None:
    pace = Pace(SPEED, GRACE)
    for end, (size, waited) in enumerate(parts, 1):
        stretches = (parts[begin:end] for begin in range(end))
        behind = max(sum(seconds - size / SPEED for size, seconds in stretch) for stretch in stretches)
        found = pace.too_slow(size, waited)
        assert pace.behind == pytest.approx(max(0.0, behind), abs=1e-6)
        assert found is (pace.behind > GRACE)


@given(st.integers(0, 10**9))
def test_a_fast_start_does_not_pay_for_a_slow_rest(start: int) -> None:
    pace = Pace(SPEED, GRACE)
    pace.too_slow(start, 0.1)
    seconds = next(second for second in range(100) if pace.too_slow(1, 1))
    assert seconds in {14, 15}


def test_a_pause_within_the_grace_does_no_harm() -> None:
    pace = Pace(SPEED, GRACE)
    assert not any(pace.too_slow(20_000, 14.9) for _ in range(10))


def test_without_a_minimum_nothing_is_too_slow() -> None:
    assert not Pace(0, GRACE).too_slow(0, 10**6)
