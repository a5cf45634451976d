"""The search finds what trying every quality would find, in few encodes."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.compressor.fitting.expected_size import COLOURS, QUALITIES, jpeg_sizes, palette_sizes, webp_sizes
from services.compressor.fitting.quality_search import Outcome, most_encodes, search

sizes = st.integers(1, 1_000_000)
any_sizes = st.lists(sizes, min_size=1, max_size=95)
rising_sizes = any_sizes.map(sorted)


def find(actual: Sequence[int], limit: int, expected: Sequence[float] | None = None) -> tuple[Outcome, list[int]]:
    """Search among the qualities 1, 2, …, whose sizes are `actual`; also the qualities that were tried, in order."""
    tried: list[int] = []

    def encode(quality: int) -> bytes:
        tried.append(quality)
        return bytes(actual[quality - 1])

    return search(encode, limit, range(1, len(actual) + 1), expected or actual), tried


@given(rising_sizes, sizes, st.lists(sizes, min_size=95, max_size=95).map(sorted))
def test_finds_the_highest_quality_that_fits_whatever_was_expected(
    actual: list[int], limit: int, expected: list[int]
) -> None:
    found, _ = find(actual, limit, expected[: len(actual)])

    fitting = [quality for quality, size in enumerate(actual, 1) if size <= limit]
    assert (found.fitting.quality if found.fitting else None) == max(fitting, default=None)


@given(any_sizes, sizes)
def test_proves_its_answer_even_if_sizes_jump_up_and_down(actual: list[int], limit: int) -> None:
    found, tried = find(actual, limit, sorted(actual))

    if found.fitting is None:
        assert 1 in tried
        assert actual[0] > limit
    else:
        above = found.fitting.quality + 1
        assert len(found.fitting.data) == actual[found.fitting.quality - 1] <= limit
        assert above > len(actual) or (above in tried and actual[above - 1] > limit)


@given(any_sizes, sizes, st.lists(sizes, min_size=95, max_size=95).map(sorted))
def test_never_takes_more_than_one_encode_more_than_bisection(
    actual: list[int], limit: int, expected: list[int]
) -> None:
    found, tried = find(actual, limit, expected[: len(actual)])

    assert found.encodes == len(tried) == len(set(tried)) <= most_encodes(len(actual))


@given(any_sizes, sizes)
def test_remembers_the_smallest_encoding_it_made(actual: list[int], limit: int) -> None:
    found, tried = find(actual, limit, sorted(actual))

    assert len(found.smallest.data) == min(actual[quality - 1] for quality in tried)


def test_the_bound_for_jpeg_and_webp_is_eight_encodes() -> None:
    assert most_encodes(len(QUALITIES)) == 8


# Further down the bound on the worst case does not leave the guess free.
freely_guessed = st.integers(65, 94)


@given(freely_guessed)
def test_a_right_expectation_takes_two_encodes(wanted: int) -> None:
    actual = [round(10_000 * 1.05**quality) for quality in QUALITIES]

    found, _ = find(actual, actual[wanted] + 10, actual)

    assert found.fitting is not None
    assert found.fitting.quality == QUALITIES[wanted]
    assert found.encodes <= 2


@given(freely_guessed, st.floats(0.6, 2))
def test_an_expectation_of_the_right_shape_takes_two_more(wanted: int, scale: float) -> None:
    actual = [round(10_000 * 1.05**quality) for quality in QUALITIES]

    found, _ = find(actual, actual[wanted] + 10, [size * scale for size in actual])

    assert found.encodes <= 4


def test_without_qualities_there_is_nothing_to_search() -> None:
    with pytest.raises(ValueError, match="no quality"):
        search(lambda _: b"", 1, [], [])


@pytest.mark.parametrize(
    ("candidates", "expected"),
    [
        (QUALITIES, jpeg_sizes(100_000, quantiser=12.5)),
        (QUALITIES, jpeg_sizes(100_000, quantiser=0.4)),
        (QUALITIES, jpeg_sizes(100_000, quantiser=None)),
        (QUALITIES, webp_sizes(100_000)),
        (COLOURS, palette_sizes(100_000, bands=3)),
    ],
)
def test_expected_sizes_never_fall(candidates: Sequence[int], expected: list[float]) -> None:
    assert len(expected) == len(candidates)
    assert expected == sorted(expected)
    assert expected[0] > 0
