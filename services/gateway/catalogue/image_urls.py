"""From a cell to the image URLs it lists, and whether one of them can be asked for at all. Pure."""

import re

from shared.contracts.error_codes import ErrorCode
from shared.outbound.address_guard import AddressPolicy, BlockedAddress
from shared.outbound.url_check import InvalidUrl, check_url

# Commas are legal in URLs (image CDNs put their parameters there), so a cell is split only where the next URL begins.
# The look-behind lets a run of separators be tried once, from its start: without it a long run takes quadratic time.
_SEPARATOR = re.compile(r"(?<![\s,;|])[\s,;|]++(?=(?:https?|ftp|s3|gs)://|data:|//)", re.IGNORECASE)
_WRAPPING = " \t\r\n\u00a0\u200b\ufeff,;|\"'<>\u2018\u2019\u201c\u201d"
_BEGINS = re.compile(r"(?:https?|ftp|s3|gs)://|data:|//", re.IGNORECASE)


def split_urls(cell: str) -> tuple[str, ...]:
    """The URLs of a cell, one for each slot, in their order; without the quotes and separators around them.

    What stands before the first URL, or is no URL at all, is a slot as well: that slot will fail.
    """
    tokens = (token.strip(_WRAPPING) for token in _SEPARATOR.split(cell))
    return tuple(token for token in tokens if token)


def begins_with_url(text: str) -> bool:
    """Whether a list of URLs begins here, so that what follows its commas may belong to it."""
    return _BEGINS.match(text.lstrip(_WRAPPING)) is not None


def slot_fault(url: str, policy: AddressPolicy) -> tuple[ErrorCode, str] | None:
    """Why `url` can never be fetched, as far as that shows without asking for it; None if it may be."""
    try:
        check_url(url, policy)
    except InvalidUrl as fault:
        return ErrorCode.INVALID_URL, fault.detail
    except BlockedAddress as fault:
        return ErrorCode.BLOCKED_ADDRESS, fault.detail
    return None
