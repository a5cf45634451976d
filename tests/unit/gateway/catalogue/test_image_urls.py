"""Splitting a cell of URLs: there are many separators, and a comma may also be part of a URL."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.catalogue.image_urls import begins_with_url, read_urls, split_urls

A, B = "https://a.example/1.jpg", "http://b.example/2.jpg"


@pytest.mark.parametrize(
    ("cell", "urls"),
    [
        ("", ()),
        (" , ;| ", ()),
        (A, (A,)),
        (f"  {A}\n", (A,)),
        (f"{A},{B}", (A, B)),
        (f"{A}, {B}", (A, B)),
        (f"{A},\n{B},", (A, B)),
        (f"{A};{B}", (A, B)),
        (f"{A}|{B}", (A, B)),
        (f"{A} {B}", (A, B)),
        (f"{A}\n{B}", (A, B)),
        (f"{A},,{B}", (A, B)),
        (f'"{A}"', (A,)),
        (f"<{A}>", (A,)),
        (f"\u201c{A}\u201d", (A,)),
        (f"{A},{A}", (A, A)),
        (A.upper(), (A.upper(),)),
        (
            "https://res.example/upload/w_1200,h_900,f_auto/p.jpg",
            ("https://res.example/upload/w_1200,h_900,f_auto/p.jpg",),
        ),
        ("https://g.example/p.jpg?crop=2669,1999,x0,y0," + A, ("https://g.example/p.jpg?crop=2669,1999,x0,y0", A)),
        ("//cdn.example/1.jpg, ftp://f.example/2.jpg", ("//cdn.example/1.jpg", "ftp://f.example/2.jpg")),
        (f"data:image/jpeg;base64,/9j/4AA=,{A}", ("data:image/jpeg;base64,/9j/4AA=", A)),
        (f"front.jpg, {A}", ("front.jpg", A)),
        ("a.example/1.jpg, a.example/2.jpg", ("a.example/1.jpg, a.example/2.jpg",)),
        ("C:\\pictures\\1.jpg", ("C:\\pictures\\1.jpg",)),
    ],
)
def test_a_cell_is_split_where_the_next_url_begins(cell: str, urls: tuple[str, ...]) -> None:
    assert split_urls(cell) == urls


@given(
    urls=st.lists(
        st.from_regex(r"https?://[a-z]{1,5}\.example/[A-Za-z0-9_,;%&=./()-]{0,12}[a-z0-9]", fullmatch=True), max_size=6
    ),
    separator=st.sampled_from([",", ", ", ",\n", ";", "|", " ", ",,"]),
)
def test_a_joined_list_is_split_into_the_same_urls(urls: list[str], separator: str) -> None:
    assert split_urls(separator.join(urls)) == tuple(urls)


@pytest.mark.parametrize("beginning", [" ", "'", "\n", '"'])
@pytest.mark.parametrize("url", ["https://a.example/p?u=(http://b.example/2.jpg)", "https://a.example/<img src=b>.jpg"])
def test_a_cell_that_begins_with_a_url_has_no_markup(beginning: str, url: str) -> None:
    assert read_urls(beginning + url)[0] == read_urls(url)[0]


def test_text_in_json_may_be_a_list() -> None:
    assert read_urls('["https://a.example/1.jpg, https://a.example/2.jpg"]') == (
        ("https://a.example/1.jpg", "https://a.example/2.jpg"),
        [],
    )


def test_a_cell_of_separators_takes_little_time() -> None:
    started = time.process_time()
    split_urls("x" + " ," * 500_000)

    assert time.process_time() - started < 2  # quadratic time would be hours


@pytest.mark.parametrize(
    ("text", "begins"),
    [(A, True), (f' "{A}', True), (f",,{A}", True), ("//x/1.jpg", True), (f"red,{A}", False), ("", False)],
)
def test_begins_with_url(text: str, begins: bool) -> None:
    assert begins_with_url(text) is begins
