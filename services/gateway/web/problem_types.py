"""The API's problem types (RFC 9457): the one table that the problem documents and their descriptions are made from.

Pure. A type's slug and status are part of the API; its title and its sentence may change.
"""

from enum import Enum
from http import HTTPStatus

_URN_PREFIX = "urn:imagemill:problem:"


class ProblemType(Enum):
    """In the order of their statuses. `slug` is the name, `when` a sentence in Markdown about the cause."""

    CATALOGUE = (
        "catalogue",
        HTTPStatus.BAD_REQUEST,
        "The catalogue cannot be used",
        "The file is empty, is not text, has no header, lacks a column, has no data rows, has broken quotes or exceeds"
        " a limit.",
    )
    IMAGE_URLS = (
        "image-urls",
        HTTPStatus.BAD_REQUEST,
        "Image URLs cannot be used, and on_invalid is reject",
        "The catalogue contains image URLs that cannot be used, and `on_invalid` is `reject`.",
    )
    FORM = (
        "form",
        HTTPStatus.BAD_REQUEST,
        "The form cannot be used",
        "The multipart/form-data body contains no file or more than one, is cut off or is malformed.",
    )
    UNKNOWN_REQUEST = (
        "unknown-request",
        HTTPStatus.NOT_FOUND,
        "There is no such request",
        "No request has this id.",
    )
    UNKNOWN_DELIVERY = (
        "unknown-delivery",
        HTTPStatus.NOT_FOUND,
        "There is no such delivery",
        "The request has no delivery with this id.",
    )
    NOT_FOUND = (
        "not-found",
        HTTPStatus.NOT_FOUND,
        "There is nothing at this URL",
        "There is no such path, or no object is stored under this URL.",
    )
    METHOD_NOT_ALLOWED = (
        "method-not-allowed",
        HTTPStatus.METHOD_NOT_ALLOWED,
        "The method is not allowed here",
        "The path exists, but not with this method; `Allow` lists the methods.",
    )
    STALLED = (
        "stalled",
        HTTPStatus.REQUEST_TIMEOUT,
        "The upload stalled",
        "No byte of the upload arrived for `UPLOAD_STALL_TIMEOUT` seconds.",
    )
    TOO_SLOW = (
        "too-slow",
        HTTPStatus.REQUEST_TIMEOUT,
        "The upload took too long",
        "The upload was not complete after `UPLOAD_MAX_SECONDS` seconds.",
    )
    UNDER_WAY = (
        "under-way",
        HTTPStatus.CONFLICT,
        "The request is under way",
        "A retry needs a finished request, and this one's round is not over.",
    )
    NOTHING_TO_RETRY = (
        "nothing-to-retry",
        HTTPStatus.CONFLICT,
        "No image can be retried",
        "No image of the request failed or was cancelled, or all failures are of URLs that cannot be used"
        " (`invalid_url`).",
    )
    ALREADY_FINISHED = (
        "already-finished",
        HTTPStatus.CONFLICT,
        "The request has finished already",
        "Only a Pending request can be cancelled, and this one finished before it was; `request_status` is its status.",
    )
    TOO_LARGE = (
        "too-large",
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "The body is too large",
        "The upload has more than `UPLOAD_MAX_BYTES` bytes, or the body of `POST /webhooks/test` more than 32,768.",
    )
    CONTENT_TYPE = (
        "content-type",
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        "The body has the wrong Content-Type",
        "The Content-Type is not one that the path accepts; `Accept-Post` lists the types.",
    )
    CONTENT_ENCODING = (
        "content-encoding",
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        "The upload is compressed",
        "The upload has a Content-Encoding other than `identity`.",
    )
    RANGE = (
        "range",
        HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
        "The range lies outside the object",
        "The range starts after the object's last byte; `Content-Range` contains its size.",
    )
    OPTIONS = (
        "options",
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "An option cannot be used",
        "An option of an upload is unknown, is given more than once or has an invalid value; `errors` lists each with"
        " its `option`.",
    )
    PARAMETER = (
        "parameter",
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "A query parameter is missing, repeated or unknown",
        "A query parameter is missing, is given more than once or is unknown; `errors` lists each with its"
        " `parameter`.",
    )
    FIELDS = (
        "fields",
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "A field cannot be used",
        "A field of the body is missing, repeated, unknown or cannot be used; `errors` lists each with its"
        " `parameter`.",
    )
    TOO_MANY_TESTS = (
        "too-many-tests",
        HTTPStatus.TOO_MANY_REQUESTS,
        "Too many webhooks are being tested",
        "Other tests of webhooks are in progress; send the request again after `Retry-After` seconds.",
    )
    INTERNAL = (
        "internal",
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "The service failed",
        "The service has a fault, which is in its log.",
    )
    UNREADABLE_RECORD = (
        "unreadable-record",
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "The request's record cannot be read",
        "Another version of the service wrote the request's record, and this version cannot read it. The request is"
        " kept; the version that wrote it processes it.",
    )
    UNAVAILABLE = (
        "unavailable",
        HTTPStatus.SERVICE_UNAVAILABLE,
        "Temporarily unavailable",
        "The database, the object store or (for `POST /webhooks/test`) every aggregator does not answer, or the"
        " gateway's disk for temporary files is full; send the request again after `Retry-After` seconds.",
    )

    def __init__(self, slug: str, status: HTTPStatus, title: str, when: str) -> None:
        self.slug = slug
        self.status = status
        self.title = title
        self.when = when

    @property
    def urn(self) -> str:
        """The `type` of the problem document."""
        return _URN_PREFIX + self.slug
