"""Which addresses may be dialled."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.url_policy.address_guard import AddressPolicy, BlockedAddress

PUBLIC = AddressPolicy()
LOOPBACK_TOO = AddressPolicy(allow_networks=(ip_network("127.0.0.0/8"),))

DENIED = {
    "this host": ["0.0.0.0", "0.1.2.3", "::"],
    "loopback": ["127.0.0.1", "127.255.255.254", "::1"],
    "private": ["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "fc00::1", "fdff::1", "fec0::1"],
    "link-local": ["169.254.0.1", "fe80::1", "febf::1", "fe80::1%eth0"],
    "metadata": ["169.254.169.254", "100.100.100.200", "168.63.129.16", "fd00:ec2::254", "192.0.0.192"],
    "carrier-grade NAT": ["100.64.0.1", "100.127.255.255"],
    "multicast": ["224.0.0.1", "239.255.255.255", "ff02::1", "ff0e::1"],
    "class E and broadcast": ["240.0.0.1", "255.255.255.255"],
    "documentation": ["192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "3fff::1"],
    "benchmarking": ["198.18.0.1", "198.19.255.255", "2001:2::1"],
    "protocol assignments": ["192.0.0.1", "192.0.0.9", "192.31.196.1", "192.52.193.1", "192.175.48.1"],
    "6to4": ["192.88.99.1", "2002:7f00:1::", "2002:808:808::1"],
    "Teredo": ["2001::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2"],
    "ORCHID": ["2001:10::1", "2001:20::1"],
    "IPv4-mapped": ["::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:0:0"],
    "IPv4-compatible": ["::127.0.0.1", "::8.8.8.8", "::10.0.0.1"],
    "IPv4-translated": ["::ffff:0:7f00:1"],
    "NAT64": ["64:ff9b::7f00:1", "64:ff9b::808:808", "64:ff9b:1::1"],
    "discard-only": ["100::1"],
    "segment routing": ["5f00::1"],
    "not assigned": ["4000::1", "8000::1", "0400::1"],
}


@pytest.mark.parametrize("address", [address for block in DENIED.values() for address in block])
def test_a_special_address_is_blocked_on_every_port(address: str) -> None:
    for port in (80, 443, 8080):
        with pytest.raises(BlockedAddress):
            PUBLIC.check_address(address, port)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "1.1.1.1", "93.184.216.34", "172.32.0.1", "2606:2800:220:1::1", "2a00:1450::1"]
)
def test_a_public_address_is_allowed_on_web_ports_only(address: str) -> None:
    PUBLIC.check_address(address, 80)
    PUBLIC.check_address(address, 443)
    for port in (22, 25, 6379, 8080):
        with pytest.raises(BlockedAddress, match=f"blocked port {port}"):
            PUBLIC.check_address(address, port)


def test_a_mapped_address_is_checked_as_its_ipv4_address() -> None:
    PUBLIC.check_address("::ffff:8.8.8.8", 443)
    LOOPBACK_TOO.check_address("::ffff:127.0.0.1", 8080)


def test_only_the_allowed_network_is_allowed_on_any_port() -> None:
    LOOPBACK_TOO.check_address("127.0.0.1", 40123)
    for address in ("10.0.0.1", "169.254.169.254", "::1"):
        with pytest.raises(BlockedAddress):
            LOOPBACK_TOO.check_address(address, 80)
    with pytest.raises(BlockedAddress, match="port"):
        LOOPBACK_TOO.check_address("8.8.8.8", 40123)


def test_allowing_nat64_does_not_allow_blocked_ipv4_addresses_in_it() -> None:
    policy = AddressPolicy(allow_networks=(ip_network("64:ff9b::/96"),))
    policy.check_address("64:ff9b::808:808", 443)
    for inner in ("64:ff9b::a00:1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe"):
        with pytest.raises(BlockedAddress):
            policy.check_address(inner, 443)


def test_the_detail_has_the_reason_but_not_the_address() -> None:
    with pytest.raises(BlockedAddress) as caught:
        PUBLIC.check_address("10.1.2.3", 80)
    assert caught.value.detail == "blocked address (private network)"
    with pytest.raises(BlockedAddress) as caught:
        PUBLIC.check_address("169.254.169.254", 80)
    assert caught.value.detail == "blocked address (metadata service)"


def test_a_string_that_is_not_an_address_raises_value_error() -> None:
    with pytest.raises(ValueError, match="not-an-address"):
        PUBLIC.check_address("not-an-address", 80)


def is_allowed(address: IPv4Address | IPv6Address) -> bool:
    try:
        PUBLIC.check_address(address, 443)
    except BlockedAddress:
        return False
    return True


@given(st.ip_addresses())
def test_it_allows_only_addresses_that_the_standard_library_calls_global(address: IPv4Address | IPv6Address) -> None:
    if is_allowed(address):
        assert (getattr(address, "ipv4_mapped", None) or address).is_global


@given(st.ip_addresses(v=4))
def test_an_ipv6_form_never_allows_a_blocked_ipv4_address(inner: IPv4Address) -> None:
    number = int(inner)
    wrappers = {
        "mapped": (0xFFFF << 32) | number,
        "compatible": number,
        "translated": (0xFFFF << 48) | number,
        "nat64": (0x0064_FF9B << 96) | number,
        "6to4": (0x2002 << 112) | (number << 80),
        "teredo": (0x2001_0000 << 96) | (number ^ 0xFFFFFFFF),
    }
    for wrapper in wrappers.values():
        assert is_allowed(inner) or not is_allowed(IPv6Address(wrapper))


@given(st.ip_addresses(network="2000::/3"))
def test_global_unicast_outside_the_blocks_is_allowed(address: IPv6Address) -> None:
    """The table blocks only the networks that it lists."""
    special = ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")
    assert is_allowed(address) is not any(ip_address(address) in ip_network(block) for block in special)
