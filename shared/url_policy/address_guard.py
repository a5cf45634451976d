"""Which addresses may be dialled. Pure: no look-ups, no sockets.

`ipaddress.is_global` is not enough: it lets multicast, 6to4, NAT64, IPv4-compatible and site-local addresses and
the metadata service of Azure through. So the blocks stand here one by one: IANA's special-purpose registries,
what clouds keep for themselves, and every form in which an IPv6 address carries an IPv4 one.
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
    """The address guard refuses. `detail` says why, and names no address that the client did not name itself."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """What may be dialled: public addresses on `ports`, and the networks of `allow_networks` on any port."""

    allow_networks: tuple[Network, ...] = ()
    ports: frozenset[int] = frozenset({80, 443})

    def check_address(self, address: str | Address, port: int) -> None:
        """Raise BlockedAddress unless `address` may be dialled on `port`. ValueError if it is no IP address."""
        for candidate in _meanings(ip_address(address)):
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


def _meanings(address: Address) -> Iterator[Address]:
    """The address itself and the IPv4 address inside it: each has to pass, or a wrapper would be a way round."""
    if isinstance(address, IPv4Address):
        yield address
        return
    if address.ipv4_mapped:  # the kernel dials IPv4 for these, so the wrapper says nothing
        yield address.ipv4_mapped
        return
    yield address
    if address.sixtofour:
        yield address.sixtofour
    if address.teredo:
        yield from address.teredo
    if address in _NAT64 or (address in _IPV4_COMPATIBLE and int(address) > 1):
        yield IPv4Address(int(address) & 0xFFFFFFFF)
