"""Which URLs may be requested."""

import re
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.error_codes import ERROR_GUIDES, ErrorCode
from shared.url_policy.address_guard import AddressPolicy, BlockedAddress
from shared.url_policy.url_check import check_url, judge_url, normal_webhook_url
from shared.url_policy.web_url import InvalidUrl

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
        "http://\t\n/a.jpg",
        "http://:80/a.jpg",
        "ftp://example.com/a.jpg",
        "file:///etc/passwd",
        "gopher://example.com/_x",
        "data:image/png;base64,AAAA",
        "javascript:alert(1)",
        "http://user@example.com/",
        "http://user:secret@example.com/",
        "http://example.com:0/",
        "http://example.com:99999/",
        "http://example.com:x/",
        "http://exa mple.com/",
        "http://a..b/",
        "http://" + "a" * 64 + ".com/",
        "http://xn--a.com:80000/",
        "http://[fe80::1%25eth0]/",
        "http://[::1",
        "http://[nonsense]/",
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
        "http://0177.0.0.1/",
        "http://0x7f.1/",
        "http://2130706433/",
        "http://127.1/",
        "http://127.0.0.1./",
        "http://\u2460\u2461\u2466.\u24ea.\u24ea.\u2460/",
        "http://\uff11\uff12\uff17\u30020\u30020\u30021/",
        "http://%31%32%37.0.0.1/",
        "http://127.0.0.1\\@example.com/",
        "http://8.8.8.8\t:6379\\.example/",
    ],
)
def test_a_blocked_literal_address_is_refused(url: str) -> None:
    with pytest.raises(BlockedAddress):
        check_url(url, POLICY)


def test_a_literal_address_in_an_allowed_network_is_accepted() -> None:
    policy = AddressPolicy(allow_networks=(ip_network("127.0.0.0/8"),))
    check_url("http://127.0.0.1:8123/a.jpg", policy)


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
    fault = judge_url(url, AddressPolicy(allow_networks=(ip_network("127.0.0.0/8"),))).fault

    assert (fault.code if fault else None) is code
    assert fault is None or (fault.detail and fault.advice)


def test_a_common_mistake_gets_its_own_detail_and_advice_and_other_faults_the_advice_of_their_code() -> None:
    path, other, blocked = (judge_url(url, POLICY).fault for url in ("/1.jpg", "https://a..b/", "http://127.0.0.1/"))

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
        "256.1.1.1",
        "1.2.3.4.5",
        "example.0x",
        "a\u200db.test",
        "a..test",
        "a!b.test",
        "%00.test",
        "a%2fb.test",
        "[::1%25lo]",
    ],
)
def test_a_host_that_no_browser_or_no_domain_has_is_invalid(host: str) -> None:
    with pytest.raises(InvalidUrl):
        check_url(f"http://{host}/", POLICY)


def test_credentials_are_accepted_only_where_they_are_used() -> None:
    with pytest.raises(InvalidUrl, match="user name or password"):
        check_url("https://me:secret@example.com/", POLICY)
    assert check_url("https://me:secret@example.com/", POLICY, credentials=True).credentials == b"me:secret"
    with pytest.raises(BlockedAddress):
        check_url("https://me:secret@127.0.0.1/", POLICY, credentials=True)


@pytest.mark.parametrize(
    ("given_", "recorded"),
    [
        ("https://hooks.test", "https://hooks.test/"),
        ("HTTPS:\\\\Hooks.Test\\a#b", "https://hooks.test/a"),
        ("https://me:se'c\"ret@hooks.test:8443/a", "https://me:se%27c%22ret@hooks.test:8443/a"),
        ("https://me@hooks.test/", "https://me:@hooks.test/"),
    ],
)
def test_a_webhook_is_recorded_in_its_normal_form_with_its_credentials(given_: str, recorded: str) -> None:
    assert normal_webhook_url(given_, POLICY) == recorded
    assert normal_webhook_url(recorded, POLICY) == recorded


@pytest.mark.parametrize(
    ("url", "detail"),
    [
        ("https://me:secret@a..b/", "the host name is not valid"),
        ("https://me:secret@hooks.test:x/", "the port is not a number from 1 to 65535"),
        ("https://a%3Ab:secret@hooks.test/", "a colon in the user name"),
        ("https://me:" + "'" * 1000 + "@hooks.test/", "the URL is longer than 2,048 characters"),
    ],
)
def test_a_webhook_that_cannot_be_called_is_refused_without_its_password(url: str, detail: str) -> None:
    with pytest.raises(InvalidUrl) as caught:
        normal_webhook_url(url, POLICY)
    assert caught.value.detail == detail
    assert "secret" not in caught.value.advice


_PARTS = st.sampled_from([*"0179.x-_!%[]\\^/?#@: \t", "0x7f", "256", "::1", "127.0.0.1", "\u2460", "\u3002", "\uff11"])


@given(st.lists(_PARTS, max_size=8).map("".join))
def test_a_url_that_passes_has_the_host_and_port_that_its_verdict_names(text: str) -> None:
    url = f"http://{text}"
    host, fault = judge_url(url, POLICY)
    if fault is None:
        assert check_url(url, POLICY).host_name == host
    if re.fullmatch(r"[0-9.]+(:[0-9]+)?", host) or host.startswith("["):
        address = ip_address(host.partition("]")[0].lstrip("[") if "[" in host else host.partition(":")[0])
        assert fault is not None or address.is_global
