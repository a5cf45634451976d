"""Batches of catalogue rows: no row is lost, and no batch exceeds its limits."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.catalogue.batches import BatchLimits, in_batches


@dataclass(frozen=True)
class ARow:
    row: int
    slots: tuple[int, ...]
    record: str


def a_row(number: int, slots: int, chars: int) -> ARow:
    return ARow(number, (slots,), "x" * chars)


def test_a_batch_ends_at_the_first_limit_it_reaches() -> None:
    rows = [a_row(1, 1, 1), a_row(2, 1, 1), a_row(3, 1, 1), a_row(4, 9, 1), a_row(5, 2, 1), a_row(6, 1, 10)]

    batches = in_batches(rows, BatchLimits(rows=2, slots=10, chars=10))

    assert [[row.row for row in batch] for batch in batches] == [[1, 2], [3, 4], [5], [6]]


def test_rows_before_a_failure_are_not_lost() -> None:
    def rows() -> Iterator[ARow]:
        yield a_row(1, 1, 1)
        raise EOFError

    batches = in_batches(rows(), BatchLimits(rows=9, slots=9, chars=9))

    assert [row.row for row in next(batches)] == [1]
    with pytest.raises(EOFError):
        next(batches)


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30))))
def test_all_rows_come_in_order_and_only_a_single_row_may_exceed_a_limit(widths: list[tuple[int, int]]) -> None:
    rows = [a_row(number, slots, chars) for number, (slots, chars) in enumerate(widths, 1)]

    batches = list(in_batches(rows, BatchLimits(rows=5, slots=20, chars=25)))

    assert [row for batch in batches for row in batch] == rows
    for batch in batches:
        assert len(batch) <= 5
        assert len(batch) == 1 or sum(sum(row.slots) for row in batch) <= 20
        assert len(batch) == 1 or sum(len(row.record) for row in batch) <= 25
