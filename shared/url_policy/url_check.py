"""Whether a URL can be asked for at all, before anything is resolved or dialled. Pure."""

import re
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from shared.url_policy.address_guard import AddressPolicy

_MAX_LENGTH = 2048
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_HOST_NAME = re.compile(r"[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\.?")
_DEFAULT_PORTS = {"http": 80, "https": 443}


class InvalidUrl(Exception):
    """Not an absolute http(s) URL that we follow; `detail` says what is wrong with it."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


def check_url(url: str, policy: AddressPolicy) -> None:
    """Raise InvalidUrl for what is no absolute http(s) URL, and BlockedAddress if its host is a refused address.

    This spares a connection, no more: hosts have many spellings (`127.1`, `0x7f000001`), so the verdict that
    counts falls on the resolved address when it is dialled.
    """
    parts = _split(url)
    if parts.scheme not in _DEFAULT_PORTS:
        raise InvalidUrl("not an http or https URL")
    if "@" in parts.netloc:
        raise InvalidUrl("user name or password in the URL")
    port = _DEFAULT_PORTS[parts.scheme] if parts.port is None else parts.port
    if port == 0:
        raise InvalidUrl("no such port")
    _check_host(_ascii_host(parts), port, policy)


def _split(url: str) -> SplitResult:
    if len(url) > _MAX_LENGTH:
        raise InvalidUrl(f"longer than {_MAX_LENGTH} characters")
    if _CONTROL.search(url):
        raise InvalidUrl("control character in the URL")
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - parsed here, so that one that is none is found here
    except ValueError as error:
        raise InvalidUrl(str(error)) from None
    return parts


def _ascii_host(parts: SplitResult) -> str:
    host = parts.hostname or ""
    if not host:
        raise InvalidUrl("no host")
    if host.isascii():
        return host
    try:
        return host.encode("idna").decode("ascii").lower()
    except UnicodeError:
        raise InvalidUrl("no valid host name") from None


def _check_host(host: str, port: int, policy: AddressPolicy) -> None:
    try:
        address = ip_address(host)
    except ValueError:
        if not _HOST_NAME.fullmatch(host):
            raise InvalidUrl("no valid host name") from None
    else:
        policy.check_address(address, port)
