"""Text that a spreadsheet would run as a formula is guarded; all other text stays."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.aggregator.outputs.formula_guard import guard, guard_urls


@pytest.mark.parametrize(
    "cell",
    [
        "=1+1",
        '=HYPERLINK("http://evil","x")',
        "+1+1",
        "-1+cmd|' /C calc'!A0",
        "--5",
        "+49 30 123",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "-5\n=1",
        "-1,",
        "=http://a",
        "-https://a",
        "\uff1d1+1",
        "\uff0b1+1",
        "\uff0d1+1",
        "\uff20SUM(A1)",
        "\uff1dhttp://a",
    ],
)
def test_formulas_get_a_leading_apostrophe(cell: str) -> None:
    assert guard(cell) == "'" + cell


@pytest.mark.parametrize("cell", ["-5", "+3.2", "-0.5%", "+1,000.50", "-,5", "+.5", "-1e5", "+2E-3", "+493012345"])
def test_numbers_stay_numbers(cell: str) -> None:
    assert guard(cell) == cell


@pytest.mark.parametrize("cell", ["http://a/=1.jpg", "\nhttps://a/1.jpg,\nhttps://a/2.jpg", "\tHTTP://a/1.jpg"])
def test_urls_stay_as_they_are(cell: str) -> None:
    assert guard(cell) == cell


@pytest.mark.parametrize("cell", ["", "a=b", "'=1", " x", "A-1", "5", "# 1", "ü", "a\uff1db"])
def test_plain_text_stays_as_it_is(cell: str) -> None:
    assert guard(cell) == cell


@pytest.mark.parametrize(
    "cell", ["\n//i/1.jpg", "\tdata:image/png,x", "\r\nwww.shop.test/1.jpg", "-5", " \thttps://a/1.jpg"]
)
def test_in_a_url_column_text_that_can_be_a_url_stays_as_it_is(cell: str) -> None:
    assert guard_urls(cell) == cell


@pytest.mark.parametrize("cell", ["=1+1", "\t=1", "@SUM(A1)", "-x", '=IMAGE("https://a/1.jpg")', "\uff1d1"])
def test_in_a_url_column_formulas_are_guarded_like_elsewhere(cell: str) -> None:
    assert guard_urls(cell) == f"'{cell}"


@given(st.text())
def test_a_guarded_cell_is_safe_and_nothing_is_lost(cell: str) -> None:
    guarded = guard(cell)
    assert guarded in (cell, "'" + cell)
    assert guard(guarded) == guarded


@pytest.mark.parametrize("cell", ["-", "+", "=", "@", "- ", "\t", "\uff0d"])
def test_a_single_sign_stays(cell: str) -> None:
    assert guard(cell) == cell
    assert guard_urls(cell) == cell
