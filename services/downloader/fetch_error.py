"""The error of a failed download, and how each exception of a request maps to a FetchFailure."""

import httpx

from services.downloader.outcomes import FetchFailure
from shared.outbound import BadResponse, IncompleteBody, NameNotResolved, TlsError
from shared.url_policy import BlockedAddress, InvalidUrl

_MAX_DETAIL_CHARS = 200


class FetchError(Exception):
    """The download failed. `cause` is a FetchFailure or the status of the response; `detail` describes it for people.

    retry_after: the value of the response's Retry-After header.
    after_cross_host_redirect: it happened at a host other than the URL's own, after a redirect.
    first_byte_ms: see Fetched; None without a response.
    """

    after_cross_host_redirect = False
    first_byte_ms: int | None = None

    def __init__(self, cause: FetchFailure | int, detail: str, retry_after: str | None = None) -> None:
        self.cause = cause
        self.detail = " ".join(detail.split())[:_MAX_DETAIL_CHARS]  # parts of it can be the host's own text
        self.retry_after = retry_after
        super().__init__(self.detail)


REQUEST_ERRORS = (InvalidUrl, BlockedAddress, httpx.TransportError)
"""The exceptions that a request can raise."""


def as_fetch_error(error: Exception) -> FetchError:
    """`error`, one of REQUEST_ERRORS, as a FetchError."""
    return FetchError(_cause_of(error), str(error))


def _cause_of(error: Exception) -> FetchFailure:  # noqa: PLR0911 - a table, in which the order matters
    match error:
        case InvalidUrl():
            return FetchFailure.INVALID_URL
        case BlockedAddress():
            return FetchFailure.BLOCKED_ADDRESS
        case NameNotResolved():
            return FetchFailure.DNS_UNAVAILABLE if error.temporary else FetchFailure.NO_SUCH_HOST
        case TlsError():
            return FetchFailure.BAD_CERTIFICATE if error.certificate else FetchFailure.TLS_FAILED
        case IncompleteBody():
            return FetchFailure.INCOMPLETE_BODY
        case BadResponse():
            return FetchFailure.BAD_RESPONSE
        case httpx.TimeoutException():
            return FetchFailure.TIMED_OUT
        case httpx.ConnectError():
            return FetchFailure.NOT_CONNECTED
        case _:
            return FetchFailure.CONNECTION_LOST
