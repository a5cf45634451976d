"""Which URLs may be requested."""

from ipaddress import ip_network

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.contracts.error_codes import ERROR_GUIDES, ErrorCode
from shared.url_policy.address_guard import AddressPolicy, BlockedAddress
from shared.url_policy.hosts import host_name
from shared.url_policy.url_check import InvalidUrl, check_url, url_fault

POLICY = AddressPolicy()


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/a.jpg",
        "HTTPS://Example.COM/A.jpg?x=1",
        "https://example.com:443/a b.jpg",
        "https://münchen.example/ü.jpg",
        "http://under_score.example./",
        "http://[2606:2800:220:1::1]/a.jpg",
        "http://8.8.8.8/a.jpg",
        "http://example.com",
        "http://example.com:/a.jpg",
        "http://example.com:8080/a.jpg",
        "http://example.com/a@b.jpg",
        "http://example.com/" + "a" * (2048 - 19),
    ],
)
def test_an_http_url_is_accepted(url: str) -> None:
    check_url(url, POLICY)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "a.jpg",
        "/a.jpg",
        "//example.com/a.jpg",
        "example.com/a.jpg",
        "http:",
        "http:/a.jpg",
        "http:///a.jpg",
        "http://:80/a.jpg",
        "ftp://example.com/a.jpg",
        "file:///etc/passwd",
        "gopher://example.com/_x",
        "data:image/png;base64,AAAA",
        "javascript:alert(1)",
        "http://user@example.com/",
        "http://user:secret@example.com/",
        "http://example.com\\@127.0.0.1/",
        "http://example.com:0/",
        "http://example.com:99999/",
        "http://example.com:x/",
        "http://exa mple.com/",
        "http://exa%6dple.com/",
        "http://a..b/",
        "http://" + "a" * 64 + ".com/",
        "http://xn--a.com:80000/",
        "http://[::1",
        "http://[nonsense]/",
        "http://example.com/\r\nHost: other",
        "http://example.com/\x00",
        "http://example.com/\x85",
        "http://example.com/" + "a" * 2048,
    ],
)
def test_any_other_url_is_invalid(url: str) -> None:
    with pytest.raises(InvalidUrl):
        check_url(url, POLICY)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://10.0.0.1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[fd00:ec2::254]/",
        "http://[64:ff9b::7f00:1]/",
        "http://8.8.8.8:6379/",
    ],
)
def test_a_blocked_literal_address_is_refused(url: str) -> None:
    with pytest.raises(BlockedAddress):
        check_url(url, POLICY)


def test_a_literal_address_in_an_allowed_network_is_accepted() -> None:
    policy = AddressPolicy(allow_networks=(ip_network("127.0.0.0/8"),))
    check_url("http://127.0.0.1:8123/a.jpg", policy)


@given(st.text())
def test_an_accepted_url_is_an_http_url_with_a_host_for_the_client_too(text: str) -> None:
    for url in (text, "http://" + text, "http://example.com" + text, "http://example.com/" + text):
        try:
            check_url(url, POLICY)
            parsed = httpx.URL(url)
        except (InvalidUrl, BlockedAddress, httpx.InvalidURL):
            continue
        assert parsed.scheme in {"http", "https"}
        assert parsed.raw_host
        assert not parsed.userinfo
        assert "\r" not in str(parsed)


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("https://a.example/1.jpg", None),
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
def test_a_url_that_can_never_be_fetched_has_a_fault_with_code_detail_and_advice(
    url: str, code: ErrorCode | None
) -> None:
    fault = url_fault(url, AddressPolicy(allow_networks=(ip_network("127.0.0.0/8"),)))

    assert (fault.code if fault else None) is code
    assert fault is None or (fault.detail and fault.advice)


def test_a_common_mistake_gets_its_own_detail_and_advice_and_other_faults_the_advice_of_their_code() -> None:
    path, other, blocked = (url_fault(url, POLICY) for url in ("/1.jpg", "https://a..b/", "http://127.0.0.1/"))

    assert path
    assert (path.detail, path.advice) == (
        "a path without a host",
        "Enter the full address, with https:// and the host.",
    )
    assert other
    assert (other.detail, other.advice) == (
        "the host name is not valid",
        ERROR_GUIDES[ErrorCode.INVALID_URL].advice,
    )
    assert blocked
    assert (blocked.detail, blocked.advice) == (
        "blocked address (loopback)",
        ERROR_GUIDES[ErrorCode.BLOCKED_ADDRESS].advice,
    )


@pytest.mark.parametrize(
    "host",
    [
        "0177.0.0.1",
        "256.1.1.1",
        "1.2.3.4.",
        "1.2.3",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0x7f.0.0.1",
        "0X7F.1",
        "1.2.3.4.5",
        "①②⑦.⓪.⓪.①",
        "example.0x",
        "\u2170.test",
        "\u2603.test",
        "a\u200db.test",
        "-ü.test",
        "xn--",
        "xn--a.test",
        "XN--A.test",
    ],
)
def test_a_host_that_the_http_client_cannot_request_is_invalid(host: str) -> None:
    with pytest.raises(InvalidUrl):
        check_url(f"http://{host}/", POLICY)


_ASCII_PARTS = [*"0179.xn-_!$&'()*+,;=%[]{}|\\^`\"<>: a", "xn--", "0x7f", "256", "::1", "www."]
_OTHER_PARTS = [*"\xdf\u0130\xe9\u017f\u4e2d\u2460\u3002\uff0e\uff11\u0661\u200d\xad\u212a\U0001f4a9"]
_HOST_PARTS = st.sampled_from(_ASCII_PARTS + _OTHER_PARTS)


@given(st.lists(_HOST_PARTS, min_size=1, max_size=8), st.sampled_from(["", "/", "/a b", "?x", "#f", ":80", ":8080/"]))
@example(["-", "\u212a"], "")
@example(["0", "\u212a"], ":8080/")
def test_the_http_client_can_request_every_accepted_url_and_names_its_host_as_we_do(
    parts: list[str], rest: str
) -> None:
    url = f"http://{''.join(parts)}{rest}"
    if url_fault(url, POLICY):
        return
    request = httpx.Request("POST", url)
    port = "" if request.url.port is None else f":{request.url.port}"
    assert host_name(url) in {f"{request.url.raw_host.decode()}{port}", f"[{request.url.raw_host.decode()}]{port}"}
