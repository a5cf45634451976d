"""Repairs of URLs: a repaired URL means what the given one means to browsers."""

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from services.gateway.catalogue.image_urls import read_urls
from services.gateway.catalogue.url_repair import INVISIBLE, needs_repair, repair_url
from shared.url_policy import InvalidUrl, WebUrl, parse_url
from tests.support.browser_urls import BROWSER_URLS

URL = "https://a.example/1.jpg"


@pytest.mark.parametrize("mark", INVISIBLE, ids=lambda mark: f"U+{ord(mark):04X}")
def test_an_invisible_character_at_an_end_of_a_url_is_removed_with_a_warning(mark: str) -> None:
    for cell in (f"{mark}{URL}", f"{URL}{mark}", f" {mark} {URL} {mark}", f"{URL}{mark}, {mark}{URL}"):
        urls, repairs = read_urls(cell)

        assert set(urls) == {URL}
        assert {repair.problem for _, repair in repairs} == {"an invisible character in the URL; it was removed"}


@pytest.mark.parametrize("mark", INVISIBLE, ids=lambda mark: f"U+{ord(mark):04X}")
def test_an_invisible_character_in_a_url_of_ascii_is_removed_with_a_warning(mark: str) -> None:
    assert repair_url(f"https://a.exa{mark}mple/1{mark}.jpg")[0] == URL


@pytest.mark.parametrize(
    ("written", "repaired"),
    [
        ("https://a.example/\u0646\u0627\u0645\u0647\u200c\u0627\u06cc.jpg", "%D9%86%D8%A7%D9%85%D9%87%E2%80%8C"),
        ("https://a.example/\U0001f468\u200d\U0001f33e.jpg", "%F0%9F%91%A8%E2%80%8D%F0%9F%8C%BE.jpg"),
    ],
)
def test_a_joiner_within_a_word_is_kept(written: str, repaired: str) -> None:
    url, repairs = repair_url(written)

    assert url.startswith(f"https://a.example/{repaired}")
    assert [repair.problem for repair in repairs] == ["letters beyond ASCII in the URL; they were percent-encoded"]


@pytest.mark.parametrize(
    ("cell", "warned"),
    [
        (f"{URL}'", True),
        (f"{URL}',", True),
        (f"{URL}'; {URL}", True),
        (f"'{URL}'", False),
        (f"['{URL}', '{URL}']", False),
        (f'"{URL}"', False),
        (f"{URL},", False),
    ],
)
def test_a_lone_quote_at_the_end_of_a_url_is_removed_with_a_warning(cell: str, warned: bool) -> None:
    urls, repairs = read_urls(cell)

    assert set(urls) == {URL}
    assert [repair.problem for _, repair in repairs] == ["a quote at the end of the URL; it was removed"] * warned


@pytest.mark.parametrize(
    ("written", "repaired"),
    [
        ("https:/a.example/1.jpg", URL),
        ("https:////a.example/1.jpg", URL),
        ("https:\\a.example\\1.jpg", URL),
        ("http:/lamp.jpg", "http:/lamp.jpg"),
        ("https:///pictures/1.jpg", "https:///pictures/1.jpg"),
    ],
)
def test_two_slashes_are_read_where_a_domain_follows(written: str, repaired: str) -> None:
    assert repair_url(written)[0] == repaired


_PARTS = st.sampled_from(
    [*"az09.-_~/\\?#@:%&'\"<>{}|^` \t\n\u00fc\u00df\u4e2d\u3002\uff0e\U0001f4a9", "..", "%2e", "ü"]
)


def means(text: str) -> WebUrl | None:
    try:
        return parse_url(text)
    except InvalidUrl:
        return None


@given(st.lists(_PARTS, max_size=12).map("".join), st.sampled_from(["http://", "https://a.example/", "HTTPS:\\\\"]))
@example("\u00fc.example:80/", "https://")
@example("me@\u00fc.example/", "https://")
@example("\t/a", "http://")
def test_a_repaired_url_means_what_browsers_make_of_the_given_one(text: str, begin: str) -> None:
    url = (begin + text).strip()  # as cells are
    expected = means(url)
    assume(expected is not None)

    repaired, _ = repair_url(url)

    assert means(repaired) == expected
    assert repair_url(repaired) == (repaired, [])


@pytest.mark.parametrize("text", [text for text, href in BROWSER_URLS.items() if href and means(text)])
def test_a_spelling_that_browsers_open_is_read_the_same_in_a_cell(text: str) -> None:
    (url,), _ = read_urls(text)
    if any(mark in text for mark in INVISIBLE):
        return  # browsers would send it

    assert means(url) == means(text)


def test_plain_cells_need_no_repair() -> None:
    assert not needs_repair(f"{URL},{URL}")
