"""Batches of catalogue rows: whatever the rows are like, none is lost, and no batch is too much at once."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.catalogue.batches import in_batches
from services.gateway.catalogue.findings import CatalogueRefused
from services.gateway.catalogue.reading import CatalogueRow


def a_row(number: int, slots: int, chars: int) -> CatalogueRow:
    return CatalogueRow(number, str(number), "P", ("u",) * slots, (slots,), "x" * chars)


def test_a_batch_is_closed_at_whichever_limit_is_met_first() -> None:
    rows = [a_row(1, 1, 1), a_row(2, 1, 1), a_row(3, 1, 1), a_row(4, 9, 1), a_row(5, 2, 1), a_row(6, 1, 10)]

    batches = in_batches(iter(rows), max_rows=2, max_slots=10, max_chars=10)

    assert [[row.row for row in batch] for batch in batches] == [[1, 2], [3, 4], [5], [6]]


def test_rows_before_a_refusal_are_not_lost() -> None:
    def rows() -> Iterator[CatalogueRow]:
        yield a_row(1, 1, 1)
        raise CatalogueRefused(())

    batches = in_batches(rows())

    assert [row.row for row in next(batches)] == [1]
    with pytest.raises(CatalogueRefused):
        next(batches)


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30))))
def test_all_rows_come_in_order_and_only_a_lone_row_is_beyond_a_limit(widths: list[tuple[int, int]]) -> None:
    rows = [a_row(number, slots, chars) for number, (slots, chars) in enumerate(widths, 1)]

    batches = list(in_batches(iter(rows), max_rows=5, max_slots=20, max_chars=25))

    assert [row for batch in batches for row in batch] == rows
    for batch in batches:
        assert len(batch) <= 5
        assert len(batch) == 1 or sum(len(row.urls) for row in batch) <= 20
        assert len(batch) == 1 or sum(len(row.record) for row in batch) <= 25
