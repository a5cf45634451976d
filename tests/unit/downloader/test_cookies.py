"""Cookies go back to the hosts and paths that their rules name, and nowhere else."""

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.downloader.cookies import MAX_COOKIE_BYTES, MAX_COOKIES, MAX_HEADER_BYTES, DownloadCookies
from shared.url_policy import parse_url

URL = "https://img.shop.example/a/b.jpg"


def sent(set_cookie: bytes | list[bytes], to: str, url: str = URL) -> str | None:
    """The cookies that a request of `to` has after `url` has set some."""
    cookies = DownloadCookies()
    lines = [set_cookie] if isinstance(set_cookie, bytes) else set_cookie
    cookies.take(parse_url(url), httpx.Response(302, headers=[(b"Set-Cookie", line) for line in lines]))
    return cookies.headers_for(parse_url(to)).get("Cookie")


@pytest.mark.parametrize(
    ("set_cookie", "to", "expected"),
    [
        (b"a=1", URL, "a=1"),
        (b"a=1; Path=/", "https://img.shop.example/other", "a=1"),
        (b"a=1; Path=/a", "https://img.shop.example/a/c", "a=1"),
        (b"a=1; Path=/a", "https://img.shop.example/ab", None),
        (b"a=1", "https://img.shop.example/other", None),
        (b"a=1; Path=/", "https://img.shop.example:8443/", "a=1"),
        (b"a=1; Path=/", "http://img.shop.example/", "a=1"),
        (b"a=1; Path=/; Secure", "http://img.shop.example/", None),
        (b"a=1; Path=/; Secure; HttpOnly; SameSite=Lax", "https://img.shop.example/", "a=1"),
        (b"a=1; Path=/", "https://shop.example/", None),
        (b"a=1; Path=/", "https://cdn.shop.example/", None),
        (b"a=1; Path=/", "https://cdn.img.shop.example/", None),
        (b"a=1; Path=/", "https://evil.example/", None),
        (b"a=1; Path=/; Domain=shop.example", "https://cdn.shop.example/", "a=1"),
        (b"a=1; Path=/; Domain=.shop.example", "https://shop.example/", "a=1"),
        (b"a=1; Path=/; Domain=shop.example", "https://myshop.example/", None),
        (b"a=1; Path=/; Domain=evil.example", "https://evil.example/", None),
        (b"a=1; Path=/; Domain=example", "https://other.example/", None),
        (b"a=1; Path=/; Max-Age=0", URL, None),
        (b"a=1; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT", URL, None),
        (b"a=1; Path=/; Expires=Fri, 01 Jan 2100 00:00:00 GMT", URL, "a=1"),
        (b'a="b c"; Path=/', URL, 'a="b c"'),
        (b"a=caf\xe9; Path=/", URL, None),
        (b"a=1\x01; Path=/", URL, None),
        (b"", URL, None),
    ],
)
def test_a_cookie_is_sent_by_the_rules_of_browsers(set_cookie: bytes, to: str, expected: str | None) -> None:
    assert sent(set_cookie, to) == expected


def test_a_cookie_for_all_of_a_country_is_refused() -> None:
    url = "https://shop.co.uk/"
    assert sent(b"a=1; Path=/; Domain=co.uk", "https://other.co.uk/", url) is None


def test_a_cookie_of_an_address_goes_only_to_that_address() -> None:
    assert sent(b"a=1; Path=/", "http://192.0.2.1/", "http://192.0.2.1/") == "a=1"
    for set_cookie in (b"a=1; Path=/", b"a=1; Path=/; Domain=2.1", b"a=1; Path=/; DOMAIN =.0.2.1"):
        assert sent(set_cookie, "http://198.0.2.1/", "http://192.0.2.1/") is None


def test_a_cookie_of_an_ipv6_address_goes_back() -> None:
    assert sent(b"a=1; Path=/", "http://[2001:db8::1]/", "http://[2001:db8::1]/") == "a=1"
    assert sent(b"a=1; Path=/; Domain=example", "http://[2001:db8::2]/", "http://[2001:db8::1]/") is None


def test_a_later_cookie_replaces_an_earlier_one() -> None:
    assert sent([b"a=1; Path=/", b"b=2; Path=/", b"a=3; Path=/"], URL) == "a=3; b=2"


def test_cookies_are_limited() -> None:
    many = [b"c%d=1; Path=/" % number for number in range(100)]
    assert (sent(many, URL) or "").count("=") == MAX_COOKIES
    long = b"a=" + b"x" * (MAX_COOKIE_BYTES - 10) + b"; Path=/"
    assert sent(long, URL)
    assert sent(b"a=" + b"x" * MAX_COOKIE_BYTES, URL) is None
    assert sent([long.replace(b"a", b"a%d" % number, 1)[:MAX_COOKIE_BYTES] for number in range(3)], URL) is None
    assert len(sent([long, long.replace(b"a", b"b", 1)], URL) or "") <= MAX_HEADER_BYTES


@given(
    st.lists(
        st.binary(max_size=40)
        | st.text("a=;,\"' .-:0123456789GMTJandomaiexprspthvu/", max_size=60).map(str.encode)
        | st.sampled_from([b"a=1; expires=Mon, 99 Foo 99999 99:99:99", b"a; domain=.; path=; max-age=x; version=9"]),
        max_size=4,
    )
)
def test_no_cookie_is_an_error(lines: list[bytes]) -> None:
    found = sent(lines, URL)
    assert found is None or found.isascii()


def test_a_host_whose_name_has_a_symbol_has_cookies_too() -> None:
    """httpx cannot decode such a name, which browsers open."""
    url = "https://i\u2764.test/a.jpg"
    assert sent(b"a=1", to=url, url=url) == "a=1"
