"""Checks a URL before its host is resolved or contacted, and words what is wrong with it. Pure.

Findings of a validation, reports and events all take their text about a refused URL from here.
"""

import re
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from shared.contracts.error_codes import ERROR_GUIDES, ErrorCode
from shared.url_policy.address_guard import AddressPolicy, BlockedAddress
from shared.url_policy.hosts import DEFAULT_PORTS, ascii_host
from shared.url_policy.url_mistakes import mistake_in

MAX_URL_CHARS = 2048
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_HOST_NAME = re.compile(r"[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\.?")
_BAD_HOST = "the host name is not valid"
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")  # by WHATWG, a host that ends in a number is an IPv4 address
_BAD_ADDRESS = "the host is not a valid IPv4 address"
_BAD_PORT = "the port is not a number from 1 to 65535"


class InvalidUrl(Exception):
    """Not an absolute http or https URL that may be requested. detail: what is wrong. advice: how to correct it."""

    def __init__(self, detail: str, advice: str = ERROR_GUIDES[ErrorCode.INVALID_URL].advice) -> None:
        super().__init__(detail)
        self.detail = detail
        self.advice = advice


@dataclass(frozen=True, slots=True)
class UrlFault:
    """Why a URL is refused. code and detail: as in reports and events. advice: what to do about this URL."""

    code: ErrorCode
    detail: str
    advice: str


def url_fault(url: str, policy: AddressPolicy) -> UrlFault | None:
    """Why `url` can never be fetched, as far as that is known without a request; None if it may be fetched."""
    try:
        check_url(url, policy)
    except InvalidUrl as error:
        return UrlFault(ErrorCode.INVALID_URL, error.detail, error.advice)
    except BlockedAddress as error:
        code = ErrorCode.BLOCKED_ADDRESS
        return UrlFault(code, error.detail, ERROR_GUIDES[code].advice)
    return None


def check_url(url: str, policy: AddressPolicy) -> None:
    """Raise InvalidUrl unless `url` is an absolute http(s) URL, and BlockedAddress if its host is a blocked address.

    A URL that passes is one that httpx can request. Whether its address is allowed is known only when its name is
    resolved: it is checked again when it is dialled.
    """
    try:
        _check(url, policy)
    except InvalidUrl as error:
        if mistake := mistake_in(url):
            raise InvalidUrl(*mistake) from error
        raise


def _check(url: str, policy: AddressPolicy) -> None:
    parts, port = _split(url)
    if parts.scheme not in DEFAULT_PORTS:
        raise InvalidUrl("not an http or https URL")
    if "@" in parts.netloc:
        raise InvalidUrl("user name or password in the URL")
    port = DEFAULT_PORTS[parts.scheme] if port is None else port
    if port == 0:
        raise InvalidUrl(_BAD_PORT)
    _check_host(_ascii_host(parts), port, policy)


def _split(url: str) -> tuple[SplitResult, int | None]:
    """The URL's parts, and its port if it names one."""
    if len(url) > MAX_URL_CHARS:
        raise InvalidUrl(f"the URL is longer than {MAX_URL_CHARS:,} characters")
    if _CONTROL.search(url):
        raise InvalidUrl("control character in the URL")
    try:
        parts = urlsplit(url)
    except ValueError:  # brackets that do not match, or characters that normalise to / ? # @ or :
        raise InvalidUrl(_BAD_HOST) from None
    try:
        return parts, parts.port
    except ValueError:
        raise InvalidUrl(_BAD_PORT) from None


def _ascii_host(parts: SplitResult) -> str:
    if not parts.hostname:
        raise InvalidUrl("the URL has no host")
    try:
        return ascii_host(parts)
    except UnicodeError:
        raise InvalidUrl(_BAD_HOST) from None


def _check_host(host: str, port: int, policy: AddressPolicy) -> None:
    try:
        address = ip_address(host)
    except ValueError:
        if not _HOST_NAME.fullmatch(host):
            raise InvalidUrl(_BAD_HOST) from None
        if _NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2]):
            raise InvalidUrl(_BAD_ADDRESS) from None
    else:
        policy.check_address(address, port)
