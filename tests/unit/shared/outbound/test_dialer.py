"""What is checked is what is dialled: host and port of every text that passes the check."""

import asyncio
import socket
import ssl
from collections.abc import Sequence
from ipaddress import ip_address

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.outbound.dialer import GuardedDialer, NameNotResolved
from shared.url_policy import AddressPolicy, BlockedAddress, InvalidUrl, check_url, judge_url, parse_url
from tests.support.browser_urls import BROWSER_URLS

POLICY = AddressPolicy()
TLS = ssl.create_default_context()

_PARTS = st.sampled_from(
    [*"0179.x-_!%[]\\/?#@: \tab", "0x7f", "127", "::1", ".example", "\xdf", "\u2460", "\u3002", "\uff11", "%31", "xn--"]
)


def dialled(text: str) -> tuple[str, int]:
    """What the dialer asks the resolver for, which finds nothing, so that nothing is sent."""
    asked: list[tuple[str, int]] = []

    async def resolve(host: str, port: int) -> Sequence[str]:
        asked.append((host, port))
        raise socket.gaierror(socket.EAI_NONAME, "nothing")

    with pytest.raises(NameNotResolved):
        asyncio.run(GuardedDialer(POLICY, resolve, TLS).dial(parse_url(text), 5))
    [one] = asked
    return one


@given(st.lists(_PARTS, max_size=8).map("".join), st.sampled_from(["http://", "https://", "https:\\\\"]))
@example("stra\xdfe.example", "https://")
def test_the_host_and_port_that_passed_are_those_that_are_dialled(text: str, scheme: str) -> None:
    try:
        checked = check_url(scheme + text, POLICY)
    except (InvalidUrl, BlockedAddress):
        return
    assert dialled(scheme + text) == (checked.host, checked.port)
    assert judge_url(scheme + text, POLICY).host == checked.host_name
    assert checked.tls_name in checked.host_name


@pytest.mark.parametrize("text", BROWSER_URLS)
def test_no_address_is_dialled_that_was_not_checked_as_an_address(text: str) -> None:
    """A name that a resolver could read as an address, such as 0x7f.1, is none any more."""
    try:
        host = check_url(text, POLICY, credentials=True).host
    except (InvalidUrl, BlockedAddress):
        return
    try:
        found = socket.getaddrinfo(host, 80, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except socket.gaierror:
        return  # a name
    assert ip_address(host) == ip_address(found[0][4][0])
    POLICY.check_address(host, 80)
