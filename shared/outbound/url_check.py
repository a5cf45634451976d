"""Whether a URL can be asked for at all, before anything is resolved or dialled."""

import re
from ipaddress import ip_address

import httpx

from shared.outbound.address_guard import AddressPolicy

_MAX_LENGTH = 2048
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_HOST_NAME = re.compile(r"[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\.?")
_DEFAULT_PORTS = {"http": 80, "https": 443}


class InvalidUrl(Exception):
    """Not an absolute http(s) URL that we follow; `detail` says what is wrong with it."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


def check_url(url: str, policy: AddressPolicy) -> httpx.URL:
    """`url` as the client will send it. Raises InvalidUrl, or BlockedAddress if its host is a literal address.

    This spares a connection, no more: hosts have many spellings (`127.1`, `0x7f000001`), so the verdict that
    counts falls on the resolved address when it is dialled.
    """
    parsed = _parse(url)
    if parsed.scheme not in _DEFAULT_PORTS:
        raise InvalidUrl("not an http or https URL")
    if parsed.userinfo:
        raise InvalidUrl("user name or password in the URL")
    port = _DEFAULT_PORTS[parsed.scheme] if parsed.port is None else parsed.port
    if not 0 < port <= 65535:
        raise InvalidUrl("no such port")
    _check_host(parsed.raw_host.decode("ascii"), port, policy)
    return parsed


def _parse(url: str) -> httpx.URL:
    if len(url) > _MAX_LENGTH:
        raise InvalidUrl(f"longer than {_MAX_LENGTH} characters")
    if _CONTROL.search(url):
        raise InvalidUrl("control character in the URL")
    try:
        return httpx.URL(url)
    except (httpx.InvalidURL, UnicodeError) as error:
        raise InvalidUrl(str(error)) from None


def _check_host(host: str, port: int, policy: AddressPolicy) -> None:
    try:
        address = ip_address(host)
    except ValueError:
        if not _HOST_NAME.fullmatch(host):
            raise InvalidUrl("no valid host name" if host else "no host") from None
    else:
        policy.check_address(address, port)
