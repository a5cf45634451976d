"""The closed list of reasons for which an image fails, as reports and events spell them, and what to do about each."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class ErrorCode(StrEnum):
    """Why an image failed or was deferred. The words stand in reports, events and logs."""

    # Found in the catalogue.
    INVALID_URL = "invalid_url"
    BLOCKED_ADDRESS = "blocked_address"

    # Found at the image's host.
    DNS = "dns"
    CONNECT = "connect"
    TLS = "tls"
    TIMEOUT = "timeout"
    REDIRECT = "redirect"
    HTTP_403 = "http_403"
    HTTP_404 = "http_404"
    HTTP_410 = "http_410"
    HTTP_429 = "http_429"
    HTTP_4XX = "http_4xx"
    HTTP_5XX = "http_5xx"
    TOO_LARGE = "too_large"
    NOT_AN_IMAGE = "not_an_image"

    # Found in the image.
    UNSUPPORTED_FORMAT = "unsupported_format"
    TOO_MANY_PIXELS = "too_many_pixels"
    DECODE_ERROR = "decode_error"
    DECODER_CRASHED = "decoder_crashed"
    DECODE_TIMEOUT = "decode_timeout"

    # Ours.
    STORAGE = "storage"
    WORKER_LOST = "worker_lost"
    EXPIRED = "expired"
    INTERNAL = "internal"


class Owner(StrEnum):
    """Whose it is to mend."""

    CSV = "csv"  # whoever made the catalogue
    HOST = "host"  # whoever keeps the images
    US = "us"  # whoever runs Imagemill


@dataclass(frozen=True, slots=True)
class ErrorGuide:
    """What a code means. retryable: it may pass though nobody mends anything, so a retry of the request may help."""

    when: str
    retryable: bool
    owner: Owner
    advice: str


ERROR_GUIDES: Mapping[ErrorCode, ErrorGuide] = {
    ErrorCode.INVALID_URL: ErrorGuide(
        "What stands in the catalogue is no absolute http or https URL.",
        retryable=False,
        owner=Owner.CSV,
        advice="Correct the URL: it begins with http:// or https:// and names a host.",
    ),
    ErrorCode.BLOCKED_ADDRESS: ErrorGuide(
        "The URL leads to a private, loopback, link-local or metadata address, or to a port that is not allowed.",
        retryable=False,
        owner=Owner.CSV,
        advice="Use a URL that is reachable from the internet; the operator can allow networks of the house.",
    ),
    ErrorCode.DNS: ErrorGuide(
        "The host's name does not resolve, or its name servers are silent.",
        retryable=True,
        owner=Owner.HOST,
        advice="Check the host's name for typing errors; if it is right, its DNS is out of order: retry later.",
    ),
    ErrorCode.CONNECT: ErrorGuide(
        "The host refused the connection, could not be reached, or cut it off.",
        retryable=True,
        owner=Owner.HOST,
        advice="Open the URL in a browser; once the host is up again, retry.",
    ),
    ErrorCode.TLS: ErrorGuide(
        "The host has no valid certificate, or the TLS handshake failed.",
        retryable=False,
        owner=Owner.HOST,
        advice="Have the host's certificate renewed or its chain completed; then retry.",
    ),
    ErrorCode.TIMEOUT: ErrorGuide(
        "Connecting, reading or the whole download took too long.",
        retryable=True,
        owner=Owner.HOST,
        advice="The host is slow or overloaded: retry at a quieter time, or serve the images from a faster host.",
    ),
    ErrorCode.REDIRECT: ErrorGuide(
        "Too many redirects, or one that leads nowhere.",
        retryable=False,
        owner=Owner.HOST,
        advice="Put the URL at which the redirects should end into the catalogue, or have the redirect mended.",
    ),
    ErrorCode.HTTP_403: ErrorGuide(
        "The host forbids the download; often that is hotlink protection.",
        retryable=False,
        owner=Owner.HOST,
        advice="Let Imagemill's User-Agent or address pass the host's hotlink or bot protection; then retry.",
    ),
    ErrorCode.HTTP_404: ErrorGuide(
        "There is nothing at this URL.",
        retryable=False,
        owner=Owner.CSV,
        advice="Correct the URL, or upload the image to the host again.",
    ),
    ErrorCode.HTTP_410: ErrorGuide(
        "The host says that the image was removed for good.",
        retryable=False,
        owner=Owner.CSV,
        advice="Take the URL out of the catalogue, or replace it.",
    ),
    ErrorCode.HTTP_429: ErrorGuide(
        "The host asked us to slow down until no attempt was left.",
        retryable=True,
        owner=Owner.HOST,
        advice="Retry later; ask the host for a higher limit, or the operator for fewer requests per second.",
    ),
    ErrorCode.HTTP_4XX: ErrorGuide(
        "The host refuses the download with another status of 400 to 499; the detail names it.",
        retryable=False,
        owner=Owner.HOST,
        advice="Open the URL in a private browser window: it must answer without login, cookies or signature.",
    ),
    ErrorCode.HTTP_5XX: ErrorGuide(
        "The host has a fault of its own, a status of 500 to 599; the detail names it.",
        retryable=True,
        owner=Owner.HOST,
        advice="Retry later; if it stays, tell whoever runs the host.",
    ),
    ErrorCode.TOO_LARGE: ErrorGuide(
        "The file has more bytes than FETCH_MAX_BYTES.",
        retryable=False,
        owner=Owner.HOST,
        advice="Serve a smaller file; the operator can raise FETCH_MAX_BYTES.",
    ),
    ErrorCode.NOT_AN_IMAGE: ErrorGuide(
        "What the host sent is no image; the detail says what it is.",
        retryable=False,
        owner=Owner.CSV,
        advice="Link to the image file itself, not to a page that shows it, and not to one behind a login.",
    ),
    ErrorCode.UNSUPPORTED_FORMAT: ErrorGuide(
        "It is an image of a format that Imagemill does not read; the detail names it.",
        retryable=False,
        owner=Owner.HOST,
        advice="Serve it as JPEG, PNG, WebP, AVIF, GIF, BMP or TIFF.",
    ),
    ErrorCode.TOO_MANY_PIXELS: ErrorGuide(
        "The image has more pixels, over all its frames, than COMPRESS_MAX_PIXELS.",
        retryable=False,
        owner=Owner.HOST,
        advice="Serve it scaled down; no shop shows that many pixels.",
    ),
    ErrorCode.DECODE_ERROR: ErrorGuide(
        "The image is truncated or corrupt.",
        retryable=False,
        owner=Owner.HOST,
        advice="Export the image anew and upload it to the host again.",
    ),
    ErrorCode.DECODER_CRASHED: ErrorGuide(
        "The process that decoded the image died twice.",
        retryable=True,
        owner=Owner.US,
        advice="Retry; if it fails again, export the image anew, and report it with its URL.",
    ),
    ErrorCode.DECODE_TIMEOUT: ErrorGuide(
        "Compressing the image took too long, twice.",
        retryable=True,
        owner=Owner.US,
        advice="Retry when the mill is less busy; if it fails again, serve the image scaled down.",
    ),
    ErrorCode.STORAGE: ErrorGuide(
        "The downloaded original vanished from the object store more often than there are attempts.",
        retryable=True,
        owner=Owner.US,
        advice="Retry; the operator should look at what deletes from the object store.",
    ),
    ErrorCode.WORKER_LOST: ErrorGuide(
        "The workers that had the image were lost again and again.",
        retryable=True,
        owner=Owner.US,
        advice="Retry; the operator finds the reason in the workers' logs and memory.",
    ),
    ErrorCode.EXPIRED: ErrorGuide(
        "The image's turn did not come, or did not end, within IMAGE_MAX_AGE.",
        retryable=True,
        owner=Owner.US,
        advice="Retry; the operator should look whether there are enough workers.",
    ),
    ErrorCode.INTERNAL: ErrorGuide(
        "A fault of Imagemill itself.",
        retryable=True,
        owner=Owner.US,
        advice="Retry, and report it: the logs have the details.",
    ),
}
"""One for every code."""
