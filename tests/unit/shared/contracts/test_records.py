"""The place of a slot in its catalogue."""

from hypothesis import given
from hypothesis import strategies as st

from services.gateway.catalogue import CatalogueLimits
from shared.contracts.records import position_of

ROWS = st.integers(1, 10**9)
SLOTS = st.integers(0, CatalogueLimits().slots_per_row)


@given(row=ROWS, slot=SLOTS, other_row=ROWS, other_slot=SLOTS)
def test_positions_have_the_order_of_rows_and_slots(row: int, slot: int, other_row: int, other_slot: int) -> None:
    first, second = position_of(row, slot), position_of(other_row, other_slot)
    assert (first < second) == ((row, slot) < (other_row, other_slot))
    assert max(first, second) < 2**63  # what the database stores
