"""Splitting and joining a record loses no character."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.catalogue.record import cell_text, join_record, raw_cell, split_around, split_record

DELIMITERS = st.sampled_from(",;\t|")
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.text(",;\"\r\n\t|' ", max_size=6)
LINE_ENDS = st.sampled_from(["\r\n", "\n", "\r", ""])
SPACES = st.sampled_from(["", " ", "  "])


@st.composite
def raw_cells(draw: st.DrawFn, delimiter: str) -> str:
    """Raw cells as people and programs write them: also with needless quotes and spaces before them."""
    text = draw(TEXTS)
    raw = '"' + text.replace('"', '""') + '"' if draw(st.booleans()) else raw_cell(text, delimiter)
    return draw(SPACES) + raw


@st.composite
def records(draw: st.DrawFn) -> tuple[str, list[str], str]:
    """The delimiter, the raw cells, and the line end."""
    delimiter = draw(DELIMITERS)
    return delimiter, draw(st.lists(raw_cells(delimiter), min_size=1, max_size=6)), draw(LINE_ENDS)


@given(records())
def test_the_joined_cells_are_the_record(given_: tuple[str, list[str], str]) -> None:
    delimiter, cells, line_end = given_
    assert split_record(join_record(cells, delimiter, line_end), delimiter) == (cells, line_end)


@given(records(), st.data())
def test_chosen_cells_are_split_off_and_the_rest_is_unchanged(
    given_: tuple[str, list[str], str], data: st.DataObject
) -> None:
    delimiter, cells, line_end = given_
    indexes = tuple(sorted(data.draw(st.sets(st.sampled_from(range(len(cells))), min_size=1))))
    record = join_record(cells, delimiter, line_end)

    parts = split_around(record, delimiter, indexes)

    assert parts[1::2] == [cells[index] for index in indexes]
    assert "".join(parts) == record


@given(records(), TEXTS)
def test_a_replaced_cell_has_the_new_text_and_the_others_are_unchanged(
    given_: tuple[str, list[str], str], text: str
) -> None:
    delimiter, cells, line_end = given_
    record = join_record([raw_cell(text, delimiter), *cells[1:]], delimiter, line_end)
    got, end = split_record(record, delimiter)
    assert (cell_text(got[0]), got[1:], end) == (text, cells[1:], line_end)


def test_a_missing_cell_is_an_error() -> None:
    with pytest.raises(ValueError, match="no cell 2"):
        split_around("a,b\r\n", ",", (0, 2))


@pytest.mark.parametrize("record", ['"' + '""' * 100_000, ' "' * 100_000, "," * 100_000 + '"x'], ids=len)
def test_a_faulty_record_takes_linear_time(record: str) -> None:
    begun = time.perf_counter()
    split_record(record, ";")
    with pytest.raises(ValueError, match="no cell"):
        split_around(record, ";", (3, 9))
    assert time.perf_counter() - begun < 1
