"""The search finds what trying every rung would find, in few encodes; or ends sooner with what is good enough."""

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
    """Search among the rungs 1, 2, …, whose sizes are `actual`; also the rungs that were tried, in order."""
    tried: list[int] = []

    def encode(rung: int) -> bytes:
        tried.append(rung)
        return bytes(actual[rung - 1])

    rungs = range(1, len(actual) + 1)
    return search(encode, limit, rungs, expected or actual, good_enough, well_filled), tried


def found_rung(outcome: SearchResult) -> int | None:
    return outcome.fitting.rung if outcome.fitting else None


@given(rising_sizes, sizes, expectations)
def test_finds_the_highest_rung_that_fits_whatever_was_expected(
    actual: list[int], limit: int, expected: list[int]
) -> None:
    found, _ = find(actual, limit, expected[: len(actual)])

    fitting = [rung for rung, size in enumerate(actual, 1) if size <= limit]
    wanted = max(fitting, default=None)
    if found.fitting and len(found.fitting.data) == limit:  # a full limit ends the search
        wanted = found.fitting.rung
        assert actual[wanted - 1] == limit
    assert found_rung(found) == wanted


@given(any_sizes, sizes)
def test_proves_its_answer_even_if_sizes_jump_up_and_down(actual: list[int], limit: int) -> None:
    found, tried = find(actual, limit, sorted(actual))

    if found.fitting is None:
        assert 1 in tried
        assert actual[0] > limit
    else:
        above = found.fitting.rung + 1
        assert len(found.fitting.data) == actual[found.fitting.rung - 1] <= limit
        full = len(found.fitting.data) == limit
        assert full or above > len(actual) or (above in tried and actual[above - 1] > limit)


@given(any_sizes, sizes, expectations, st.floats(0.5, 1), st.floats(0.5, 1))
def test_never_takes_more_than_one_encode_more_than_bisection(
    actual: list[int], limit: int, expected: list[int], good_enough: float, well_filled: float
) -> None:
    found, tried = find(actual, limit, expected[: len(actual)], good_enough, well_filled)

    assert found.encodes == len(tried) == len(set(tried)) <= max_encodes(len(actual))


@given(rising_sizes, sizes, expectations, st.floats(0.5, 1), st.floats(0.5, 1))
def test_what_ends_the_search_early_fits_and_fills_the_limit_as_asked(
    actual: list[int], limit: int, expected: list[int], good_enough: float, well_filled: float
) -> None:
    found, _ = find(actual, limit, expected[: len(actual)], good_enough, well_filled)

    fitting = [rung for rung, size in enumerate(actual, 1) if size <= limit]
    if found.fitting is None:
        assert not fitting
        return
    assert len(found.fitting.data) <= limit
    least = min(good_enough, well_filled) * limit
    assert found.fitting.rung == max(fitting) or len(found.fitting.data) >= least


@given(any_sizes, sizes)
def test_remembers_the_smallest_encoding_it_made(actual: list[int], limit: int) -> None:
    found, tried = find(actual, limit, sorted(actual))

    assert len(found.smallest.data) == min(actual[rung - 1] for rung in tried)


def test_the_bound_for_the_qualities_is_ten_encodes() -> None:
    assert max_encodes(len(QUALITIES)) == 10


# Further down the bound on the worst case does not leave the guess free.
freely_guessed = st.integers(65, 94)
rising_by_a_twentieth = [round(10_000 * 1.05**quality) for quality in QUALITIES]


@given(freely_guessed)
def test_a_right_expectation_takes_two_encodes(wanted: int) -> None:
    actual = rising_by_a_twentieth

    found, _ = find(actual, actual[wanted] + 10, actual)

    assert found_rung(found) == QUALITIES[wanted]
    assert found.encodes <= 2


@given(freely_guessed)
def test_a_right_expectation_takes_one_encode_if_a_well_filled_limit_will_do(wanted: int) -> None:
    actual = rising_by_a_twentieth

    found, tried = find(actual, round(1.04 * actual[wanted]), actual, good_enough=0.99, well_filled=0.9)

    assert tried == [QUALITIES[wanted]]
    assert found_rung(found) == QUALITIES[wanted]


@given(st.integers(80, 94), st.floats(0.6, 2))
def test_an_expectation_of_the_right_shape_takes_two_more(wanted: int, scale: float) -> None:
    actual = rising_by_a_twentieth

    found, _ = find(actual, actual[wanted] + 10, [size * scale for size in actual])

    assert found.encodes <= 4


def test_a_well_filled_limit_does_not_do_while_the_next_rung_should_fit() -> None:
    actual = [850, 960, 2000]

    found, tried = find(actual, 1000, [980, 1010, 5000], good_enough=0.95, well_filled=0.8)

    assert tried == [1, 2]
    assert found_rung(found) == 2


@pytest.mark.parametrize("limit", [-5, 0, 1])
def test_a_limit_of_nothing_ends_with_the_smallest(limit: int) -> None:
    found, _ = find([10, 20, 30], limit)

    assert found.fitting is None
    assert found.smallest.rung == 1


def test_without_rungs_there_is_nothing_to_search() -> None:
    with pytest.raises(ValueError, match="no rung"):
        search(lambda _: b"", 1, [], [])
