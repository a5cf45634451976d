"""The output CSV says again what the upload said, and adds one slot for each input URL."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.aggregator.csv_output import OutputCsv

HEADER = ["S. No.", "Product Name", "Input Image Urls"]


def written(header: list[str], *rows: tuple[list[str], list[str]], guard: bool = True) -> str:
    sink = io.StringIO(newline="")
    output = OutputCsv(sink, header, guard_formulas=guard)
    for cells, slots in rows:
        output.write(cells, slots)
    return sink.getvalue()


def read(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline=""), strict=True))


def test_the_output_is_the_input_and_a_column_of_output_urls() -> None:
    text = written(HEADER, (["1", 'A "big" one', "http://i/1,http://i/2"], ["http://o/1", "http://o/2"]))

    assert text == (
        "S. No.,Product Name,Input Image Urls,Output Image Urls\r\n"
        '1,"A ""big"" one","http://i/1,http://i/2","http://o/1,http://o/2"\r\n'
    )


@pytest.mark.parametrize(
    ("slots", "cell"),
    [
        ([], ""),
        ([""], ""),
        (["", ""], ","),
        (["u", "", "v"], "u,,v"),
        (["", "u"], ",u"),
        (["u", ""], "u,"),
    ],
)
def test_a_failed_image_leaves_its_slot_empty(slots: list[str], cell: str) -> None:
    assert read(written(HEADER, (["1", "a", "x"], slots)))[1][-1] == cell


@pytest.mark.parametrize(
    "name",
    [
        "Output Image Urls",
        "output_image_urls",
        "outputImageURLs",
        " Output\u00a0Image  Urls ",
        "\ufeffOutput Image Urls",
    ],
)
def test_a_column_that_is_there_already_is_replaced_in_place(name: str) -> None:
    text = written(["No", name, "Note"], (["1", "http://old/1,http://old/2", "n"], ["http://new/1"]))

    assert read(text) == [["No", name, "Note"], ["1", "http://new/1", "n"]]


def test_short_rows_are_filled_up_so_that_the_columns_stay_in_line() -> None:
    rows = read(written([*HEADER, "Note"], (["1"], ["u"]), ([], ["v"])))

    assert rows[1:] == [["1", "", "", "", "u"], ["", "", "", "", "v"]]


def test_cells_beyond_the_header_stay_behind_the_output() -> None:
    assert read(written(HEADER, (["1", "a", "x", "beyond"], ["u"])))[1] == ["1", "a", "x", "u", "beyond"]


def test_formulas_are_disarmed_also_in_the_header_and_only_if_asked_for() -> None:
    row = (["=1+1", "-5", "x"], ["u"])

    assert read(written(["=A1", *HEADER[1:]], row))[:2] == [
        ["'=A1", *HEADER[1:], "Output Image Urls"],
        ["'=1+1", "-5", "x", "u"],
    ]
    assert read(written(HEADER, row, guard=False))[1] == ["=1+1", "-5", "x", "u"]


cell_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.text(",\"\r\n\t\0;' =", max_size=6)
slot_lists = st.lists(st.sampled_from(["", "http://o/results/r/a-1.jpg", "http://o/results/r/b-2.png"]), max_size=4)


@given(
    header=st.lists(cell_text.filter(lambda name: "output" not in name.lower()), min_size=1, max_size=5),
    rows=st.lists(st.tuples(st.lists(cell_text, max_size=7), slot_lists), max_size=5),
)
def test_whatever_the_cells_hold_a_reader_gets_them_back(
    header: list[str], rows: list[tuple[list[str], list[str]]]
) -> None:
    text = written(header, *rows, guard=False)
    text.encode()  # what is written can be stored as UTF-8

    got_header, *got = read(text)
    assert got_header == [*header, "Output Image Urls"]
    assert len(got) == len(rows)
    for row, (cells, slots) in zip(got, rows, strict=True):
        width = len(header)
        padded = cells + [""] * (width - len(cells))
        assert row[:width] + row[width + 1 :] == padded
        assert row[width] == ",".join(slots)


@given(rows=st.lists(st.tuples(st.lists(cell_text, min_size=3, max_size=3), slot_lists), min_size=1, max_size=5))
def test_the_output_of_an_output_differs_only_in_its_slots(rows: list[tuple[list[str], list[str]]]) -> None:
    header, *first = read(written(HEADER, *rows, guard=False))

    again = read(written(header, *((row, slots) for row, (_, slots) in zip(first, rows, strict=True)), guard=False))

    assert again == [header, *first]
