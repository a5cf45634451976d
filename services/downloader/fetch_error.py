"""Why a download failed, in the words that `outcomes` decides on."""

import httpx

from services.downloader.host_limiter import HostBusy
from services.downloader.outcomes import FetchFailure
from shared.outbound import NameNotResolved, TlsError
from shared.url_policy import BlockedAddress, InvalidUrl

_DETAIL_CHARACTERS = 200


class FetchError(Exception):
    """The download failed. `cause` is a trouble or the answer's status, `detail` tells people more.

    retry_after: the answer's header of that name, as it came.
    after_cross_host_redirect: it happened at another host than the URL's, to which that one had sent us.
    """

    after_cross_host_redirect = False

    def __init__(self, cause: FetchFailure | int, detail: str, retry_after: str | None = None) -> None:
        self.cause = cause
        self.detail = " ".join(detail.split())[:_DETAIL_CHARACTERS]  # some of it is the host's own text
        self.retry_after = retry_after
        super().__init__(self.detail)


FETCH_ERRORS = (InvalidUrl, BlockedAddress, HostBusy, httpx.TransportError, httpx.InvalidURL, UnicodeError)
"""What asking for a URL can raise; httpx parses redirects itself, and answers bad ones with the last two."""


def as_fetch_error(error: Exception) -> FetchError:
    """`error`, one of FETCH_ERRORS, as a FetchError."""
    return FetchError(_cause_of(error), str(error))


def _cause_of(error: Exception) -> FetchFailure:  # noqa: PLR0911 - a table, in which the order matters
    match error:
        case InvalidUrl():
            return FetchFailure.INVALID_URL
        case BlockedAddress():
            return FetchFailure.BLOCKED_ADDRESS
        case HostBusy():
            return FetchFailure.HOST_BUSY
        case NameNotResolved():
            return FetchFailure.NAME_SERVERS_SILENT if error.temporary else FetchFailure.NO_SUCH_HOST
        case TlsError():
            return FetchFailure.BAD_CERTIFICATE if error.certificate else FetchFailure.NO_TLS
        case httpx.TimeoutException():
            return FetchFailure.TOO_SLOW
        case httpx.ConnectError():
            return FetchFailure.NOT_CONNECTED
        case httpx.TransportError() if not isinstance(error.__context__, httpx.InvalidURL):
            return FetchFailure.CUT_OFF
        case _:
            return FetchFailure.BAD_REDIRECT
