"""Checks a URL before its host is resolved or contacted, and words what is wrong with it. Pure.

Findings of a validation, reports and events all take their text about a refused URL from here.
"""

from dataclasses import dataclass
from typing import NamedTuple

from shared.contracts.error_codes import ERROR_GUIDES, ErrorCode
from shared.url_policy.address_guard import AddressPolicy, BlockedAddress
from shared.url_policy.url_mistakes import LOGIN, mistake_in
from shared.url_policy.web_url import InvalidUrl, WebUrl, parse_url


@dataclass(frozen=True, slots=True)
class UrlFault:
    """Why a URL is refused. code and detail: as in reports and events. advice: what to do about this URL."""

    code: ErrorCode
    detail: str
    advice: str


class UrlVerdict(NamedTuple):
    """host: WebUrl.host_name; "" if the URL is invalid. fault: why it can never be fetched; None if it may be."""

    host: str
    fault: UrlFault | None = None


def judge_url(url: str, policy: AddressPolicy) -> UrlVerdict:
    """Whether `url` may be fetched, as far as that is known without a request."""
    try:
        parsed = _parse(url)
    except InvalidUrl as error:
        return UrlVerdict("", UrlFault(ErrorCode.INVALID_URL, error.detail, error.advice))
    try:
        _check_address(parsed, policy)
    except BlockedAddress as error:
        code = ErrorCode.BLOCKED_ADDRESS
        return UrlVerdict(parsed.host_name, UrlFault(code, error.detail, ERROR_GUIDES[code].advice))
    return UrlVerdict(parsed.host_name)


def check_url(url: str, policy: AddressPolicy, *, credentials: bool = False) -> WebUrl:
    """The absolute http(s) URL that `url` means.

    credentials: whether it may have a user and a password.
    Raises InvalidUrl, and BlockedAddress if its host is a blocked address.
    Whether the address of a name is allowed is known only when it is resolved: it is checked again when it is dialled.
    """
    parsed = _parse(url, credentials=credentials)
    _check_address(parsed, policy)
    return parsed


def normal_webhook_url(url: str, policy: AddressPolicy) -> str:
    """The URL of a webhook as it is recorded: in its normal form, with its credentials. Raises as `check_url`."""
    normal = check_url(url, policy, credentials=True).text_with_credentials
    check_url(normal, policy, credentials=True)  # percent-encoding can make it too long
    return normal


def check_redirect(url: WebUrl, policy: AddressPolicy) -> None:
    """As `check_url`, for the URL of a redirect."""
    _check_credentials(url)
    _check_address(url, policy)


def _check_address(url: WebUrl, policy: AddressPolicy) -> None:
    """Raise BlockedAddress if the host of `url` is an address that the policy blocks."""
    address = url.address
    if address is not None:
        policy.check_address(address, url.port)


def _parse(url: str, *, credentials: bool = False) -> WebUrl:
    try:
        parsed = parse_url(url)
        if not credentials:
            _check_credentials(parsed)
    except InvalidUrl as error:
        mistake = mistake_in(url)
        if mistake is None or (credentials and mistake == LOGIN):
            raise
        raise InvalidUrl(*mistake) from error
    return parsed


def _check_credentials(url: WebUrl) -> None:
    if url.credentials is not None:
        raise InvalidUrl(*LOGIN)
