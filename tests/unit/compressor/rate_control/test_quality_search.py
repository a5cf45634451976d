"""The search finds the same rung as trying all of them, in few encodes, or stops early at a good enough one."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.compressor.rate_control.ladder import QUALITIES
from services.compressor.rate_control.quality_search import SearchResult, max_encodes, search

sizes = st.integers(1, 1_000_000)
any_sizes = st.lists(sizes, min_size=1, max_size=95)
rising_sizes = any_sizes.map(sorted)
expectations = st.lists(sizes, min_size=95, max_size=95).map(sorted)


def find(
    actual: Sequence[int],
    limit: int,
    expected: Sequence[float] | None = None,
    good_enough: float = 1.0,
    well_filled: float = 1.0,
) -> tuple[SearchResult, list[int]]:
    """Search the rungs 1, 2, …, whose sizes are `actual`. Returns the result and the rungs tried, in order."""
    tried: list[int] = []

    def encode(rung: int) -> bytes:
        tried.append(rung)
        return bytes(actual[rung - 1])

    rungs = range(1, len(actual) + 1)
    return search(encode, limit, rungs, expected or actual, good_enough, well_filled), tried


def fitting_rung(result: SearchResult) -> int | None:
    return result.within_limit.rung if result.within_limit else None


@given(rising_sizes, sizes, expectations)
def test_any_expectation_leads_to_the_highest_fitting_rung(actual: list[int], limit: int, expected: list[int]) -> None:
    found, _ = find(actual, limit, expected[: len(actual)])

    fitting = [rung for rung, size in enumerate(actual, 1) if size <= limit]
    wanted = max(fitting, default=None)
    if found.within_limit and len(found.within_limit.data) == limit:  # a completely filled limit ends the search
        wanted = found.within_limit.rung
        assert actual[wanted - 1] == limit
    assert fitting_rung(found) == wanted


@given(any_sizes, sizes)
def test_the_next_rung_is_proven_too_large_even_if_sizes_are_not_monotonic(actual: list[int], limit: int) -> None:
    found, tried = find(actual, limit, sorted(actual))

    if found.within_limit is None:
        assert 1 in tried
        assert actual[0] > limit
    else:
        above = found.within_limit.rung + 1
        assert len(found.within_limit.data) == actual[found.within_limit.rung - 1] <= limit
        filled = len(found.within_limit.data) == limit
        assert filled or above > len(actual) or (above in tried and actual[above - 1] > limit)


@given(any_sizes, sizes, expectations, st.floats(0.5, 1), st.floats(0.5, 1))
def test_the_number_of_encodes_is_bounded_and_no_rung_is_tried_twice(
    actual: list[int], limit: int, expected: list[int], good_enough: float, well_filled: float
) -> None:
    found, tried = find(actual, limit, expected[: len(actual)], good_enough, well_filled)

    assert found.encodes == len(tried) == len(set(tried)) <= max_encodes(len(actual))


@given(rising_sizes, sizes, expectations, st.floats(0.5, 1), st.floats(0.5, 1))
def test_an_early_stop_fits_and_fills_the_required_part_of_the_limit(
    actual: list[int], limit: int, expected: list[int], good_enough: float, well_filled: float
) -> None:
    found, _ = find(actual, limit, expected[: len(actual)], good_enough, well_filled)

    fitting = [rung for rung, size in enumerate(actual, 1) if size <= limit]
    if found.within_limit is None:
        assert not fitting
        return
    assert len(found.within_limit.data) <= limit
    least = min(good_enough, well_filled) * limit
    assert found.within_limit.rung == max(fitting) or len(found.within_limit.data) >= least


@given(any_sizes, sizes)
def test_the_smallest_candidate_is_reported(actual: list[int], limit: int) -> None:
    found, tried = find(actual, limit, sorted(actual))

    assert len(found.smallest.data) == min(actual[rung - 1] for rung in tried)


def test_a_search_of_all_qualities_takes_at_most_ten_encodes() -> None:
    assert max_encodes(len(QUALITIES)) == 10


# On lower rungs the bound of the worst case limits the guess.
unbounded_rungs = st.integers(65, 94)
sizes_rising_by_5_percent = [round(10_000 * 1.05**quality) for quality in QUALITIES]


@given(unbounded_rungs)
def test_a_correct_expectation_takes_at_most_two_encodes(wanted: int) -> None:
    actual = sizes_rising_by_5_percent

    found, _ = find(actual, actual[wanted] + 10, actual)

    assert fitting_rung(found) == QUALITIES[wanted]
    assert found.encodes <= 2


@given(unbounded_rungs)
def test_a_correct_expectation_takes_one_encode_if_a_well_filled_limit_suffices(wanted: int) -> None:
    actual = sizes_rising_by_5_percent

    found, tried = find(actual, round(1.04 * actual[wanted]), actual, good_enough=0.99, well_filled=0.9)

    assert tried == [QUALITIES[wanted]]
    assert fitting_rung(found) == QUALITIES[wanted]


@given(st.integers(80, 94), st.floats(0.6, 2))
def test_an_expectation_wrong_by_a_factor_takes_at_most_four_encodes(wanted: int, scale: float) -> None:
    actual = sizes_rising_by_5_percent

    found, _ = find(actual, actual[wanted] + 10, [size * scale for size in actual])

    assert found.encodes <= 4


def test_a_well_filled_limit_is_not_enough_if_the_next_rung_is_expected_to_fit() -> None:
    actual = [850, 960, 2000]

    found, tried = find(actual, 1000, [980, 1010, 5000], good_enough=0.95, well_filled=0.8)

    assert tried == [1, 2]
    assert fitting_rung(found) == 2


@pytest.mark.parametrize("limit", [-5, 0, 1])
def test_without_any_room_only_the_smallest_candidate_is_returned(limit: int) -> None:
    found, _ = find([10, 20, 30], limit)

    assert found.within_limit is None
    assert found.smallest.rung == 1


def test_a_search_without_rungs_raises() -> None:
    with pytest.raises(ValueError, match="no rung"):
        search(lambda _: b"", 1, [], [])
