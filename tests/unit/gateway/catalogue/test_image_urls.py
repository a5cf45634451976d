"""A cell lists URLs in many ways, and a comma is a legal part of every one of them."""

import time
from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.catalogue.image_urls import begins_with_url, slot_fault, split_urls
from shared.contracts.error_codes import ErrorCode
from shared.url_policy import AddressPolicy

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
def test_lists_of_urls_come_back_as_they_were(urls: list[str], separator: str) -> None:
    assert split_urls(separator.join(urls)) == tuple(urls)


def test_a_cell_of_nothing_but_separators_takes_no_time() -> None:
    started = time.process_time()
    split_urls("x" + " ," * 500_000)

    assert time.process_time() - started < 2  # quadratic time would be hours


@pytest.mark.parametrize(
    ("text", "begins"),
    [(A, True), (f' "{A}', True), (f",,{A}", True), ("//x/1.jpg", True), (f"red,{A}", False), ("", False)],
)
def test_a_list_of_urls_begins_with_one(text: str, begins: bool) -> None:
    assert begins_with_url(text) is begins


@pytest.mark.parametrize(
    ("url", "code"),
    [
        (A, None),
        ("https://8.8.8.8/1.jpg", None),
        ("http://127.0.0.1:9000/1.jpg", None),  # allowed below
        ("not a url", ErrorCode.INVALID_URL),
        ("//cdn.example/1.jpg", ErrorCode.INVALID_URL),
        ("ftp://a.example/1.jpg", ErrorCode.INVALID_URL),
        ("data:image/png;base64,AAAA", ErrorCode.INVALID_URL),
        ("http:///1.jpg", ErrorCode.INVALID_URL),
        ("https://a.example/" + "x" * 3000, ErrorCode.INVALID_URL),
        ("http://169.254.169.254/latest", ErrorCode.BLOCKED_ADDRESS),
        ("http://[::1]/1.jpg", ErrorCode.BLOCKED_ADDRESS),
        ("http://10.0.0.8/1.jpg", ErrorCode.BLOCKED_ADDRESS),
    ],
)
def test_a_url_that_can_never_be_fetched_is_told_apart_at_once(url: str, code: ErrorCode | None) -> None:
    fault = slot_fault(url, AddressPolicy(allow_networks=(ip_network("127.0.0.0/8"),)))

    assert (fault[0] if fault else None) is code
    assert fault is None or fault[1]
