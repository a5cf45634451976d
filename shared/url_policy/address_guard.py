"""Decides which addresses may be dialled. Pure: it resolves nothing and opens no sockets.

`ipaddress.is_global` is not enough: it accepts multicast, 6to4, NAT64, IPv4-compatible and site-local addresses and
Azure's metadata service. So this module lists every blocked network: IANA's special-purpose registries, addresses that
clouds reserve, and every form in which an IPv6 address contains an IPv4 address.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_DENIED: dict[str, tuple[str, ...]] = {
    "metadata service": ("169.254.169.254/32", "100.100.100.200/32", "168.63.129.16/32", "fd00:ec2::/32"),
    "loopback": ("127.0.0.0/8", "::1/128"),
    "private network": ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "fec0::/10"),
    "link-local": ("169.254.0.0/16", "fe80::/10"),
    "carrier's shared space": ("100.64.0.0/10",),
    "unspecified": ("0.0.0.0/8", "::/128"),
    "multicast": ("224.0.0.0/4", "ff00::/8"),
    "documentation": ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "3fff::/20"),
    "benchmarking": ("198.18.0.0/15",),
    "6to4": ("192.88.99.0/24", "2002::/16"),
    "IPv4 within IPv6": ("::/96", "::ffff:0:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48"),
    "discard-only": ("100::/64",),
    "segment routing": ("5f00::/16",),
    # 192.0.0.0/24 and 2001::/23 (with Teredo and ORCHID), AMT, and the sinks of AS112.
    "protocol assignment": (
        "192.0.0.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.175.48.0/24",
        "2001::/23",
        "2620:4f:8000::/48",
    ),
    "reserved": ("240.0.0.0/4",),
}
_DENIED_NETWORKS: tuple[tuple[Network, str], ...] = tuple(
    (ip_network(block), kind) for kind, blocks in _DENIED.items() for block in blocks
)
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")
_IPV4_COMPATIBLE = IPv6Network("::/96")


class BlockedAddress(Exception):
    """The policy refuses the address. `detail` gives the reason, without any address that a name resolved to."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """Allows public addresses on `ports`, and addresses in `allow_networks` on any port."""

    allow_networks: tuple[Network, ...] = ()
    ports: frozenset[int] = frozenset({80, 443})

    def check_address(self, address: str | Address, port: int) -> None:
        """Raise BlockedAddress unless `address` may be dialled on `port`, or ValueError if it is not an IP address."""
        for candidate in _addresses_in(ip_address(address)):
            self._check_one(candidate, port)

    def _check_one(self, address: Address, port: int) -> None:
        if any(address in network for network in self.allow_networks):
            return
        if kind := _denied_kind(address):
            raise BlockedAddress(f"blocked address ({kind})")
        if port not in self.ports:
            raise BlockedAddress(f"blocked port {port}")


def _denied_kind(address: Address) -> str | None:
    for network, kind in _DENIED_NETWORKS:
        if address in network:
            return kind
    if address.version == 6 and address not in _GLOBAL_UNICAST:
        return "reserved"
    return None


def _addresses_in(address: Address) -> Iterator[Address]:
    """The address and the IPv4 addresses that it contains. Each must pass, or an IPv6 form would bypass the policy."""
    if isinstance(address, IPv4Address):
        yield address
        return
    if address.ipv4_mapped:  # the kernel dials the IPv4 address
        yield address.ipv4_mapped
        return
    yield address
    if address.sixtofour:
        yield address.sixtofour
    if address.teredo:
        yield from address.teredo
    if address in _NAT64 or (address in _IPV4_COMPATIBLE and int(address) > 1):
        yield IPv4Address(int(address) & 0xFFFFFFFF)
