"""Why a download failed, in the words that `outcomes` decides on."""

import httpx

from services.downloader.host_limiter import HostBusy
from services.downloader.outcomes import Trouble
from shared.outbound.connection import TlsFault
from shared.outbound.dialer import NameNotResolved
from shared.url_policy.address_guard import BlockedAddress
from shared.url_policy.url_check import InvalidUrl

_DETAIL_CHARACTERS = 200


class FetchFault(Exception):
    """The download failed. `cause` is a trouble or the answer's status, `detail` tells people more.

    retry_after: the answer's header of that name, as it came.
    elsewhere: it happened at another host than the URL's, to which that one had sent us.
    """

    elsewhere = False

    def __init__(self, cause: Trouble | int, detail: str, retry_after: str | None = None) -> None:
        self.cause = cause
        self.detail = " ".join(detail.split())[:_DETAIL_CHARACTERS]  # some of it is the host's own text
        self.retry_after = retry_after
        super().__init__(self.detail)


FETCH_ERRORS = (InvalidUrl, BlockedAddress, HostBusy, httpx.TransportError, httpx.InvalidURL, UnicodeError)
"""What asking for a URL can raise; httpx parses redirects itself, and answers bad ones with the last two."""


def as_fetch_fault(error: Exception) -> FetchFault:
    """`error`, one of FETCH_ERRORS, as a FetchFault."""
    return FetchFault(_cause_of(error), str(error))


def _cause_of(error: Exception) -> Trouble:  # noqa: PLR0911 - a table, in which the order matters
    match error:
        case InvalidUrl():
            return Trouble.INVALID_URL
        case BlockedAddress():
            return Trouble.BLOCKED_ADDRESS
        case HostBusy():
            return Trouble.HOST_BUSY
        case NameNotResolved():
            return Trouble.NAME_SERVERS_SILENT if error.temporary else Trouble.NO_SUCH_HOST
        case TlsFault():
            return Trouble.BAD_CERTIFICATE if error.certificate else Trouble.NO_TLS
        case httpx.TimeoutException():
            return Trouble.TOO_SLOW
        case httpx.ConnectError():
            return Trouble.NOT_CONNECTED
        case httpx.TransportError() if not isinstance(error.__context__, httpx.InvalidURL):
            return Trouble.CUT_OFF
        case _:
            return Trouble.BAD_REDIRECT
