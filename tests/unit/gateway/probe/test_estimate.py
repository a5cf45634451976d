"""What a few looks say of all images."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.probe.estimate import MIN_FOR_A_RANGE, ProbeSample, estimate
from shared.contracts.error_codes import ErrorCode
from shared.contracts.messages import CompressOptions, FetchBounds, ProbedImage

HALF = CompressOptions(percent=50)
BOUNDS = FetchBounds(at_once=100, per_host=8)


def an_image(size: int | None = 1000, ms: int = 100) -> ProbedImage:
    return ProbedImage(url="http://a/1.jpg", content_type="image/jpeg", size=size, ms=ms)


def a_fault(code: ErrorCode | None = ErrorCode.HTTP_404, ms: int = 100) -> ProbedImage:
    return ProbedImage(url="http://a/1.jpg", error_code=code, error_detail="why", ms=ms)


def looks(seen: dict[str, list[ProbedImage]], **given_: Any) -> ProbeSample:
    usual: dict[str, Any] = {
        "images": 1000,
        "hosts": dict.fromkeys(seen, 100),
        "more_slots": 0,
        "bounds": BOUNDS,
    }
    return ProbeSample(seen=seen, **usual | given_)


def test_hosts_weigh_as_much_as_they_have_slots() -> None:
    seen = {"large": [an_image(1000)] * 3, "small": [an_image(9000), a_fault()]}
    expected = estimate(looks(seen, hosts={"large": 900, "small": 100}), HALF)
    assert expected.dead_share == pytest.approx(0.1 / 2)
    assert expected.bytes_in is not None
    assert expected.bytes_in.mean == pytest.approx(1000 * (0.9 * 1000 + 0.1 * 4500))
    assert expected.bytes_out is not None
    assert expected.bytes_out.mean == pytest.approx(expected.bytes_in.mean / 2)
    assert (expected.known, expected.sized) == (5, 4)


def test_sizes_that_are_not_told_are_like_the_others() -> None:
    expected = estimate(looks({"a": [an_image(None), an_image(600), a_fault(), a_fault()]}), HALF)
    assert expected.dead_share == pytest.approx(0.5)
    assert expected.bytes_in is not None
    assert expected.bytes_in.mean == pytest.approx(500 * 600)


def test_equal_sizes_leave_no_doubt_and_few_leave_it_open() -> None:
    sure = estimate(looks({"a": [an_image()] * MIN_FOR_A_RANGE}), HALF).bytes_in
    assert sure is not None
    assert (sure.low, sure.mean, sure.high) == pytest.approx((1_000_000, 1_000_000, 1_000_000))
    unsure = estimate(looks({"a": [an_image()] * (MIN_FOR_A_RANGE - 1)}), HALF).bytes_in
    assert unsure is not None
    assert (unsure.low, unsure.high) == (None, None)


def test_what_is_not_known_counts_neither_as_dead_nor_as_an_image() -> None:
    ours = [a_fault(None), a_fault(ErrorCode.INTERNAL)]
    expected = estimate(looks({"a": [*ours, an_image(None), an_image(500)]}), HALF)
    assert (expected.dead_share, expected.known, expected.sized) == (0, 2, 1)
    assert expected.bytes_in is not None
    assert expected.bytes_in.mean == pytest.approx(500_000)


@pytest.mark.parametrize("seen", [{}, {"a": []}, {"a": [a_fault(None)]}])
def test_nothing_seen_says_nothing(seen: dict[str, list[ProbedImage]]) -> None:
    expected = estimate(looks(seen), HALF)
    assert (expected.dead_share, expected.bytes_in, expected.bytes_out) == (None, None, None)
    assert (expected.seconds, expected.slowest_host, expected.known) == (None, None, 0)


@pytest.mark.parametrize("mode", ["quality", "dimensions"])
def test_a_mode_that_aims_at_no_size_foretells_none(mode: Any) -> None:
    expected = estimate(looks({"a": [an_image()]}), CompressOptions(mode=mode))
    assert expected.bytes_in is not None
    assert expected.bytes_out is None


@pytest.mark.parametrize(
    ("hosts", "bounds", "seconds", "slowest"),
    [
        ({"slow": 500, "fast": 500}, BOUNDS, 500 * 2 / 8, "slow"),
        ({"slow": 1, "fast": 999}, BOUNDS, 999 * 0.1 / 8, "fast"),
        ({"slow": 1, "fast": 999}, FetchBounds(at_once=100, per_host=8, per_second=10), 99.9, "fast"),
        ({"slow": 500, "fast": 500}, FetchBounds(at_once=4, per_host=8), 500 * 2.1 / 4, "slow"),
    ],
    ids=["its answers", "its images", "its rate", "the downloader"],
)
def test_what_makes_it_slow(hosts: dict[str, int], bounds: FetchBounds, seconds: float, slowest: str) -> None:
    seen = {"slow": [an_image(ms=2000)], "fast": [an_image(ms=100)]}
    expected = estimate(looks(seen, hosts=hosts, bounds=bounds), HALF)
    assert expected.seconds == pytest.approx(seconds)
    assert expected.slowest_host == slowest


def test_hosts_that_were_not_seen_are_taken_to_be_as_usual() -> None:
    seen = {"seen": [an_image(ms=1000)], "silent": [a_fault(None)]}
    expected = estimate(looks(seen, hosts={"seen": 100, "silent": 800}, more_slots=100, images=500), HALF)
    assert expected.seconds == pytest.approx(400 * 1.0 / 8)
    assert expected.slowest_host == "silent"


IMAGES = st.builds(
    ProbedImage,
    url=st.just("http://a/1.jpg"),
    content_type=st.none() | st.just("image/png"),
    size=st.none() | st.integers(0, 10**8),
    ms=st.integers(0, 60_000),
    error_code=st.none() | st.sampled_from(ErrorCode),
)
SEEN = st.dictionaries(st.sampled_from("abcdef"), st.lists(IMAGES, max_size=8))


@given(seen=SEEN, data=st.data())
def test_whatever_was_seen_the_figures_are_in_bounds(seen: dict[str, list[ProbedImage]], data: st.DataObject) -> None:
    hosts = {host: data.draw(st.integers(1, 10**6)) for host in seen}
    expected = estimate(looks(seen, hosts=hosts, more_slots=data.draw(st.integers(0, 10**6))), HALF)
    assert expected.dead_share is None or -1e-9 <= expected.dead_share <= 1 + 1e-9
    assert expected.seconds is None or 0 <= expected.seconds < math.inf
    assert expected.sized <= sum(map(len, seen.values()))
    if expected.bytes_in is not None:
        assert 0 <= expected.bytes_in.mean <= 1000 * 10**8 * (1 + 1e-9)
        if expected.bytes_in.low is not None and expected.bytes_in.high is not None:
            assert 0 <= expected.bytes_in.low <= expected.bytes_in.mean <= expected.bytes_in.high
