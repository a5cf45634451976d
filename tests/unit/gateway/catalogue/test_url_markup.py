"""URLs inside links, HTML, Markdown, JSON and formulas are read; other cells are left to the splitter."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.catalogue.image_urls import read_urls
from services.gateway.catalogue.url_markup import find_marked_urls

A, B = "https://a.example/1.jpg", "https://b.example/2.jpg"


@pytest.mark.parametrize(
    ("cell", "urls"),
    [
        (f"lamp.jpg({A})", [A]),
        (f"lamp.jpg ({A})\noak.jpg ({B})", [A, B]),
        (f"({A})", [A]),
        (f"x ({A}?size=(1))", [f"{A}?size=(1)"]),
        (f"<IMG\nSRC = {A}?a=1&amp;b=2 >", [f"{A}?a=1&b=2"]),
        (f"<img alt='src=\"x\"' src='{A}'>", [A]),
        (f"<picture><source srcset=x><img src={A}></picture>", [A]),
        (f'![a]({A} "title")', [A]),
        (f"[a](<{A}>)", [A]),
        (f'\'=IMAGE("{A}")', [A]),
        (f'=_xlfn.IMAGE("{A}")', [A]),
        (f'{{"src": "{A}"}}', [A]),
        ("[]", None),
        (f"[{A}]", None),
        ("[1, 2]", None),
        (f'[{{"title": "x"}}, "{A}"]', None),
        ("{" * 99_999, None),
        (f"lamp.jpg ({A}) and more", None),
        (f"lamp.jpg, {A}", None),
        ("=1+1", None),
        ("[a] (b)", None),
        ("<svg src=x>", None),
        ("lamp (small).jpg", None),
    ],
)
def test_a_cell_with_markup_is_read_as_its_urls(cell: str, urls: list[str] | None) -> None:
    found = find_marked_urls(cell)
    assert (found and found.urls) == urls


@given(st.text("<>[]()!=\"'\\\\/{},;: ahrefimgsc\n", max_size=40).map(lambda text: text.replace("h", A)))
def test_any_text_is_read(cell: str) -> None:
    urls, repairs = read_urls(cell)
    assert all(urls)
    assert urls or not repairs


@pytest.mark.parametrize(
    "part",
    [
        *("<", "<a ", "<a href=", "<img a=b ", "<!--", "<![", "[", "[a](b ", '![a](b "', "(", "(https://a", "[["),
        *("a (https://a) ", "=IMAGE(", '=A("', '{"a":', "\\/", " x", "\t"),
    ],
)
def test_hostile_markup_takes_linear_time(part: str) -> None:
    for begin in ("", "=A(", f"x ({A})", "<img ", "["):
        started_at = time.process_time()
        read_urls(begin + part * (300_000 // len(part)))
        assert time.process_time() - started_at < 2
