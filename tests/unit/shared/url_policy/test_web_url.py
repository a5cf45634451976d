"""The one parser of URLs reads them as browsers do, whoever asks."""

import re
from base64 import b64encode
from dataclasses import replace
from ipaddress import ip_address
from urllib.parse import quote

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.observability import redact_text, redact_url
from shared.url_policy.web_url import DEFAULT_PORTS, MAX_REDIRECT_CHARS, InvalidUrl, WebUrl, host_name, parse_url
from tests.support.browser_urls import BASE, BROWSER_REFERENCES, BROWSER_URLS

_HIDDEN = re.compile(r"(?<=://)[^/]*@|#.*", re.DOTALL)

STRICTER = {
    "http://example.com:0/",
    "https:/example.com/a.jpg",
    "https:///example.com/a.jpg",
    "https:example.com/a.jpg",
    "ht\ntp://example.com/",
}
"""Browsers take these; a catalogue that has them has a mistake, which gets its own words."""
NO_NAMES = re.compile(r"https?://(?:exa%20|a%20|a%2A|a[!`{,;\"]|a\.\.b|\.|[a-z0-9.]+\.\.).*")
"""Browsers take these hosts, but no domain has such a name."""


def parsed_or_none(text: str) -> WebUrl | None:
    try:
        return parse_url(text)
    except InvalidUrl:
        return None


@pytest.mark.parametrize(("text", "href"), BROWSER_URLS.items())
def test_a_url_means_what_it_means_to_browsers(text: str, href: str | None) -> None:
    expected = None if href is None else _HIDDEN.sub("", href)
    if text in STRICTER or not re.match("https?:", expected or "") or NO_NAMES.fullmatch(expected or ""):
        expected = None

    parsed = parsed_or_none(text)

    assert (None if parsed is None else str(parsed)) == expected
    if parsed:
        assert (parsed.credentials is not None) == ("@" in (href or "").partition("://")[2].partition("/")[0])


@pytest.mark.parametrize(("reference", "href"), BROWSER_REFERENCES.items())
def test_a_redirect_leads_where_browsers_go(reference: str, href: str | None) -> None:
    if href is None or not href.startswith("http"):
        with pytest.raises(InvalidUrl):
            parse_url(BASE).join(reference)
    else:
        assert str(parse_url(BASE).join(reference)) == _HIDDEN.sub("", href)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://Images.Test/a.jpg", "images.test"),
        ("http://images.test./a.jpg", "images.test"),
        ("http://images.test.:8080/a.jpg", "images.test:8080"),
        ("https://images.test:443/a.jpg", "images.test"),
        ("http://images.test:80", "images.test"),
        ("http://images.test:443/a.jpg", "images.test:443"),
        ("http://127.0.0.1:8000/a.jpg", "127.0.0.1:8000"),
        ("http://0x7f.1:8000/a.jpg", "127.0.0.1:8000"),
        ("http://[::1]:8000/a.jpg", "[::1]:8000"),
        ("http://[0:0::1]/a.jpg", "[::1]"),
        ("http://b\u00fccher.test/\u00e4.jpg", "xn--bcher-kva.test"),
        ("http://stra\u00dfe.test/", "xn--strae-oqa.test"),
        ("http://xn--strae-oqa.test/", "xn--strae-oqa.test"),
    ],
)
def test_a_host_has_the_same_name_in_every_spelling_of_its_url(url: str, expected: str) -> None:
    assert host_name(url) == expected


def test_a_sharp_s_is_never_the_host_of_another_owner() -> None:
    """IDNA 2003 made strasse.example of it."""
    assert parse_url("https://stra\u00dfe.example/1.jpg").host == "xn--strae-oqa.example"
    assert parse_url("https://strasse.example/1.jpg").host == "strasse.example"


def test_credentials_are_decoded_and_never_part_of_the_text() -> None:
    url = parse_url("https://me%40shop:p%C3%A4ss:%2F@example.com/a")

    assert url.credentials == "me@shop:p\u00e4ss:/".encode()
    assert str(url) == "https://example.com/a"
    assert "shop" not in repr(url)


@pytest.mark.parametrize(
    ("text", "credentials"),
    [
        ("https://me:secret@a.test/", b"me:secret"),
        ("https://me@a.test/", b"me:"),
        ("https://:secret@a.test/", b":secret"),
        ("https://me:a:b@a.test/", b"me:a:b"),
        ("https://me:%FF%00@a.test/", b"me:\xff\x00"),
        ("https://m\u00fc:\u00fc@a.test/", "m\u00fc:\u00fc".encode()),
        ("https://me:se'cr\"et <>@a.test/", b"me:se'cr\"et <>"),
        ("https://me:100%@a.test/", b"me:100%"),
        ("https://a@b:c@a.test/", b"a@b:c"),
    ],
)
def test_the_header_of_basic_authentication_has_the_decoded_credentials(text: str, credentials: bytes) -> None:
    url = parse_url(text)

    assert url.credentials == credentials
    assert url.authorization == f"Basic {b64encode(credentials).decode()}"
    assert parse_url(url.text_with_credentials) == url


def test_the_header_of_basic_authentication_is_that_of_the_example_in_rfc_7617() -> None:
    url = parse_url("https://Aladdin:open%20sesame@a.test/")
    assert url.authorization == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="


@given(st.text(max_size=12), st.text(max_size=12))
def test_redaction_finds_all_credentials_in_the_text_that_is_recorded(user: str, password: str) -> None:
    written = f"https://{quote(user, safe='')}:{quote(password, safe='')}@a.test/x"
    url = parsed_or_none(written)
    if url is None:
        assert ":" in user
    elif url.credentials is not None:
        assert url.credentials == f"{user}:{password}".encode()
        assert redact_text(url.text_with_credentials) == "https://***@a.test/x"
        assert redact_url(url.text_with_credentials) == "https://a.test/x"


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ("", "not an http or https URL"),
        ("https:", "the URL has no host"),
        ("https://:80/", "the URL has no host"),
        ("https://me:secret@/", "the URL has no host"),
        ("https://a.example:x/", "the port is not a number from 1 to 65535"),
        ("https://a.example:0/", "the port is not a number from 1 to 65535"),
        ("https://a.example:65536/", "the port is not a number from 1 to 65535"),
        ("https://a.example:\u0661/", "the port is not a number from 1 to 65535"),
        ("https://1.2.3.256/", "the host is not a valid IPv4 address"),
        ("https://a.0x/", "the host is not a valid IPv4 address"),
        ("https://[fe80::1%25eth0]/", "the host name is not valid"),
        ("https://a%3Ab:c@a.example/", "a colon in the user name"),
        ("https://a b/", "the host name is not valid"),
        ("https://\ud800.example/", "the host name is not valid"),
        ("https://" + "a" * 64 + ".example/", "the host name is not valid"),
        ("https://a.example/\x00", "control character in the URL"),
        ("https://a.example/\x85", "control character in the URL"),
        ("https://a.example/" + "a" * 2048, "the URL is longer than 2,048 characters"),
    ],
)
def test_the_fault_of_a_url_is_named(text: str, detail: str) -> None:
    with pytest.raises(InvalidUrl) as caught:
        parse_url(text)
    assert caught.value.detail == detail


_ASCII_PARTS = [*"0179.xn-_!$&'()*+,;=%[]{}|\\^`\"<>: a/?#@\t\n", "xn--", "0x7f", "256", "::1", "www.", "%2e"]
_OTHER_PARTS = [*"\xdf\u0130\xe9\u017f\u4e2d\u2460\u3002\uff0e\uff11\u0661\u200d\u200c\u202a\xad\u212a\U0001f4a9"]
_PARTS = st.sampled_from(_ASCII_PARTS + _OTHER_PARTS)
_TEXTS = st.one_of(st.text(max_size=40), st.lists(_PARTS, max_size=12).map("".join))
_URLS = st.one_of(_TEXTS, _TEXTS.map("http://".__add__), _TEXTS.map("https://a.example/".__add__))


@given(_URLS)
@example("http://-\u212a")
@example("http://0\u212a:8080/")
def test_what_a_url_means_can_be_sent_as_it_is(text: str) -> None:
    url = parsed_or_none(text)
    if url is None:
        return
    assert url.scheme in DEFAULT_PORTS
    assert 1 <= url.port <= 65535
    assert re.fullmatch(r"[a-z0-9_.:-]+", url.host)
    assert re.fullmatch(r"/[\x21-\x7e]*", url.target)
    assert "#" not in url.target
    assert parse_url(str(url)) == replace(url, credentials=None)


@given(_URLS)
def test_the_http_client_reads_the_same_host_and_port_in_the_normal_form(text: str) -> None:
    """It reads them only for itself, but what it reads should not surprise anyone."""
    url = parsed_or_none(text)
    if url is None:
        return
    request = httpx.Request("GET", str(url), headers={"Host": url.authority})

    assert request.url.raw_host.decode() == url.host
    assert (request.url.port or DEFAULT_PORTS[request.url.scheme]) == url.port
    assert request.headers["Host"] == url.authority


@given(st.ip_addresses())
def test_an_address_is_written_as_one_that_can_be_checked(address: object) -> None:
    written = f"[{address}]" if ":" in str(address) else str(address)

    url = parse_url(f"http://{written}/")
    assert ip_address(url.host) == url.address == address


@pytest.mark.parametrize("host", ["a.example", "a.b1", "a1", "1.example.", "xn--strae-oqa.test"])
def test_a_name_is_no_address(host: str) -> None:
    assert parse_url(f"http://{host}/").address is None


def test_a_redirect_may_be_longer_than_an_image_url_but_not_without_limit() -> None:
    """Redirects that stores sign are long. The limit is that of the normal form, which the next one can continue."""
    base = parse_url(BASE)
    assert len(base.join("/" + "a" * 8000).target) == 8001
    for too_long in ("/" + "a" * MAX_REDIRECT_CHARS, "/" + "a b" * 2000):
        with pytest.raises(InvalidUrl, match="the URL is longer than 8,192 characters"):
            base.join(too_long)


@given(_TEXTS)
def test_a_redirect_leads_to_a_url_that_can_be_sent_or_is_refused(reference: str) -> None:
    try:
        target = parse_url(BASE).join(reference)
    except InvalidUrl:
        return
    assert re.fullmatch(r"[a-z0-9_.:-]+", target.host)
    assert re.fullmatch(r"/[\x21-\x7e]*", target.target)
