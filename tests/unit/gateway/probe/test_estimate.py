"""The estimate for all images, from the probes of a few."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.probe.estimate import MIN_FOR_INTERVAL, ProbeSample, estimate
from shared.contracts.error_codes import ErrorCode
from shared.contracts.messages import CompressOptions, FetchBounds, ProbedImage

HALF = CompressOptions(percent=50)
BOUNDS = FetchBounds(at_once=100, per_host=8)


def an_image(size: int | None = 1000, ms: int = 100) -> ProbedImage:
    return ProbedImage(url="http://a/1.jpg", content_type="image/jpeg", size=size, ms=ms)


def a_fault(code: ErrorCode | None = ErrorCode.HTTP_404, ms: int = 100) -> ProbedImage:
    return ProbedImage(url="http://a/1.jpg", error_code=code, error_detail="why", ms=ms)


def a_sample(probed: dict[str, list[ProbedImage]], **changes: Any) -> ProbeSample:
    """1000 images, spread evenly over the hosts unless `images_of` says otherwise."""
    defaults: dict[str, Any] = {
        "images_of": dict.fromkeys(probed, 1000 // max(len(probed), 1)),
        "more_images": 0,
        "bounds": BOUNDS,
    }
    return ProbeSample(probed=probed, **defaults | changes)


def test_hosts_are_weighted_by_their_images() -> None:
    probed = {"large": [an_image(1000)] * 3, "small": [an_image(9000), a_fault()]}
    expected = estimate(a_sample(probed, images_of={"large": 900, "small": 100}), HALF)
    assert expected.dead_share == pytest.approx(0.1 / 2)
    assert expected.bytes_in is not None
    assert expected.bytes_in.mean == pytest.approx(1000 * (0.9 * 1000 + 0.1 * 4500))
    assert expected.bytes_out is not None
    assert expected.bytes_out.mean == pytest.approx(expected.bytes_in.mean / 2)
    assert (expected.known, expected.sized) == (5, 4)


def test_images_of_unknown_size_are_estimated_like_the_others() -> None:
    expected = estimate(a_sample({"a": [an_image(None), an_image(600), a_fault(), a_fault()]}), HALF)
    assert expected.dead_share == pytest.approx(0.5)
    assert expected.bytes_in is not None
    assert expected.bytes_in.mean == pytest.approx(500 * 600)


def test_equal_sizes_give_a_narrow_interval_and_few_sizes_give_none() -> None:
    narrow = estimate(a_sample({"a": [an_image()] * MIN_FOR_INTERVAL}), HALF).bytes_in
    assert narrow is not None
    assert (narrow.low, narrow.mean, narrow.high) == pytest.approx((1_000_000, 1_000_000, 1_000_000))
    unknown = estimate(a_sample({"a": [an_image()] * (MIN_FOR_INTERVAL - 1)}), HALF).bytes_in
    assert unknown is not None
    assert (unknown.low, unknown.high) == (None, None)


def test_a_probe_without_result_counts_neither_as_dead_nor_as_an_image() -> None:
    ours = [a_fault(None), a_fault(ErrorCode.INTERNAL)]
    expected = estimate(a_sample({"a": [*ours, an_image(None), an_image(500)]}), HALF)
    assert (expected.dead_share, expected.known, expected.sized) == (0, 2, 1)
    assert expected.bytes_in is not None
    assert expected.bytes_in.mean == pytest.approx(500_000)


@pytest.mark.parametrize("probed", [{}, {"a": []}, {"a": [a_fault(None)]}])
def test_without_results_there_is_no_estimate(probed: dict[str, list[ProbedImage]]) -> None:
    expected = estimate(a_sample(probed), HALF)
    assert (expected.dead_share, expected.bytes_in, expected.bytes_out) == (None, None, None)
    assert (expected.seconds, expected.slowest_host, expected.known) == (None, None, 0)


@pytest.mark.parametrize("mode", ["quality", "dimensions"])
def test_a_mode_without_target_size_has_no_estimate_of_the_results(mode: Any) -> None:
    expected = estimate(a_sample({"a": [an_image()]}), CompressOptions(mode=mode))
    assert expected.bytes_in is not None
    assert expected.bytes_out is None


@pytest.mark.parametrize(
    ("images_of", "bounds", "seconds", "slowest"),
    [
        ({"slow": 500, "fast": 500}, BOUNDS, 500 * 2 / 8, "slow"),
        ({"slow": 1, "fast": 999}, BOUNDS, 999 * 0.1 / 8, "fast"),
        ({"slow": 1, "fast": 999}, FetchBounds(at_once=100, per_host=8, per_second=10), 99.9, "fast"),
        ({"slow": 500, "fast": 500}, FetchBounds(at_once=4, per_host=8), 500 * 2.1 / 4, "slow"),
    ],
    ids=["response-time", "number-of-images", "rate-limit", "downloader"],
)
def test_the_slowest_bound_determines_the_time(
    images_of: dict[str, int], bounds: FetchBounds, seconds: float, slowest: str
) -> None:
    probed = {"slow": [an_image(ms=2000)], "fast": [an_image(ms=100)]}
    expected = estimate(a_sample(probed, images_of=images_of, bounds=bounds), HALF)
    assert expected.seconds == pytest.approx(seconds)
    assert expected.slowest_host == slowest


def test_hosts_without_a_result_are_as_fast_as_the_average() -> None:
    probed = {"answers": [an_image(ms=1000)], "silent": [a_fault(None)]}
    expected = estimate(a_sample(probed, images_of={"answers": 50, "silent": 400}, more_images=50), HALF)
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
PROBED = st.dictionaries(st.sampled_from("abcdef"), st.lists(IMAGES, max_size=8))


@given(probed=PROBED, data=st.data())
def test_the_figures_of_any_sample_are_in_bounds(probed: dict[str, list[ProbedImage]], data: st.DataObject) -> None:
    images_of = {host: data.draw(st.integers(1, 10**6)) for host in probed}
    sample = a_sample(probed, images_of=images_of, more_images=data.draw(st.integers(0, 10**6)))
    expected = estimate(sample, HALF)
    assert expected.dead_share is None or -1e-9 <= expected.dead_share <= 1 + 1e-9
    assert expected.seconds is None or 0 <= expected.seconds < math.inf
    assert expected.sized <= sum(map(len, probed.values()))
    if expected.bytes_in is not None:
        assert 0 <= expected.bytes_in.mean <= sample.images * 10**8 * (1 + 1e-9)
        if expected.bytes_in.low is not None and expected.bytes_in.high is not None:
            assert 0 <= expected.bytes_in.low <= expected.bytes_in.mean <= expected.bytes_in.high
