"""The closed list of error codes of failed images, with a guide to each. docs/errors.md is generated from it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class ErrorCode(StrEnum):
    """Why an image failed or was deferred. Reports, events and logs contain the values."""

    # Found in the catalogue.
    INVALID_URL = "invalid_url"
    BLOCKED_ADDRESS = "blocked_address"

    # Found at the image's host.
    DNS = "dns"
    CONNECT = "connect"
    TLS = "tls"
    TIMEOUT = "timeout"
    BAD_RESPONSE = "bad_response"
    REDIRECT = "redirect"
    NOT_READY = "not_ready"
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

    # Requested by the client.
    CANCELLED = "cancelled"

    # Caused by Imagemill itself.
    STORAGE = "storage"
    WORKER_LOST = "worker_lost"
    EXPIRED = "expired"
    INTERNAL = "internal"


class Owner(StrEnum):
    """Who has to act."""

    CSV = "csv"  # who made the catalogue
    HOST = "host"  # who runs the image host
    CLIENT = "client"  # who uploaded the catalogue
    US = "us"  # who runs Imagemill


@dataclass(frozen=True, slots=True)
class ErrorGuide:
    """What a code means.

    retryable: a retry of the request may succeed without any correction.
    host_responded: the failure shows that the image's host works: it refused the image, or sent a body. Such a failure
    closes the host's circuit.
    """

    when: str
    retryable: bool
    owner: Owner
    host_responded: bool
    advice: str


ERROR_GUIDES: Mapping[ErrorCode, ErrorGuide] = {
    ErrorCode.INVALID_URL: ErrorGuide(
        "The catalogue has no absolute http or https URL in this slot.",
        retryable=False,
        owner=Owner.CSV,
        host_responded=False,
        advice="Correct the URL: it must begin with http:// or https:// and name a host.",
    ),
    ErrorCode.BLOCKED_ADDRESS: ErrorGuide(
        "The URL leads to a private, loopback, link-local or metadata address, or to a port that is not allowed.",
        retryable=False,
        owner=Owner.CSV,
        host_responded=False,
        advice="Use a URL that is reachable from the internet, or ask the operator to set FETCH_ALLOW_NETWORKS.",
    ),
    ErrorCode.DNS: ErrorGuide(
        "The host's name does not resolve, or its name servers do not respond.",
        retryable=True,
        owner=Owner.HOST,
        host_responded=False,
        advice="Check the spelling of the host's name. If it is correct, its DNS is out of order: retry later.",
    ),
    ErrorCode.CONNECT: ErrorGuide(
        "The host refused the connection, could not be reached, or closed the connection too early.",
        retryable=True,
        owner=Owner.HOST,
        host_responded=False,
        advice="Check in a browser whether the host is up; when it is, retry.",
    ),
    ErrorCode.TLS: ErrorGuide(
        "The host has no valid certificate, or the TLS handshake failed.",
        retryable=False,
        owner=Owner.HOST,
        host_responded=False,
        advice="Renew the host's certificate or complete its chain; then retry.",
    ),
    ErrorCode.TIMEOUT: ErrorGuide(
        "Connecting, reading or the whole download exceeded its time limit, or the host sent too little per second.",
        retryable=True,
        owner=Owner.HOST,
        host_responded=False,
        advice="The host is slow or overloaded: retry later, or serve the images from a faster host.",
    ),
    ErrorCode.BAD_RESPONSE: ErrorGuide(
        "Twice, the host's HTTP response could not be read or had an unknown status; see the detail.",
        retryable=False,
        owner=Owner.HOST,
        host_responded=True,
        advice="Correct the software that writes the response's headers or body, often a script or a proxy.",
    ),
    ErrorCode.REDIRECT: ErrorGuide(
        "There were too many redirects, or one had no valid target.",
        retryable=False,
        owner=Owner.HOST,
        host_responded=True,
        advice="Put the final URL into the catalogue, or correct the redirect.",
    ),
    ErrorCode.NOT_READY: ErrorGuide(
        "The image was unfinished or locked at the last attempt (HTTP 202, 409, 423 or 425; see the detail).",
        retryable=True,
        owner=Owner.HOST,
        host_responded=True,
        advice="Open the URL in a browser until the image appears, then retry. If it never does, report it there.",
    ),
    ErrorCode.HTTP_403: ErrorGuide(
        "The host refused access (HTTP 403), often because of hotlink protection.",
        retryable=False,
        owner=Owner.HOST,
        host_responded=True,
        advice="Allow Imagemill's User-Agent or address in the host's hotlink or bot protection; then retry.",
    ),
    ErrorCode.HTTP_404: ErrorGuide(
        "The host has no image at this URL (HTTP 404).",
        retryable=False,
        owner=Owner.CSV,
        host_responded=True,
        advice="Correct the URL, or upload the image to the host again.",
    ),
    ErrorCode.HTTP_410: ErrorGuide(
        "The host has removed the image permanently (HTTP 410).",
        retryable=False,
        owner=Owner.CSV,
        host_responded=True,
        advice="Remove the URL from the catalogue, or replace it.",
    ),
    ErrorCode.HTTP_429: ErrorGuide(
        "The host limits the rate of requests (HTTP 429, or 420) and still did at the last attempt.",
        retryable=True,
        owner=Owner.HOST,
        host_responded=False,
        advice="Retry later. Ask the host for a higher limit, or the operator for a lower HOST_RATE or HOST_MAX.",
    ),
    ErrorCode.HTTP_4XX: ErrorGuide(
        "The host refused the download with another status from 400 to 499, which the detail contains.",
        retryable=False,
        owner=Owner.HOST,
        host_responded=True,
        advice="Open the URL in a private browser window: it must work without login, cookies or signature.",
    ),
    ErrorCode.HTTP_5XX: ErrorGuide(
        "The host failed with a status from 500 to 599, which the detail contains.",
        retryable=True,
        owner=Owner.HOST,
        host_responded=False,
        advice="Retry later. If it still fails, report it to the operator of the host.",
    ),
    ErrorCode.TOO_LARGE: ErrorGuide(
        "The file is larger than FETCH_MAX_BYTES.",
        retryable=False,
        owner=Owner.HOST,
        host_responded=True,
        advice="Serve a smaller file; the operator can raise FETCH_MAX_BYTES.",
    ),
    ErrorCode.NOT_AN_IMAGE: ErrorGuide(
        "The host sent something that is not an image; the detail says what.",
        retryable=False,
        owner=Owner.CSV,
        host_responded=True,
        advice="Link to the image file itself, not to a page that shows it or that requires a login.",
    ),
    ErrorCode.UNSUPPORTED_FORMAT: ErrorGuide(
        "Imagemill cannot read the image's format, which the detail contains.",
        retryable=False,
        owner=Owner.HOST,
        host_responded=True,
        advice="Serve it as JPEG, PNG, WebP, AVIF, GIF, BMP or TIFF.",
    ),
    ErrorCode.TOO_MANY_PIXELS: ErrorGuide(
        "The image has more pixels than COMPRESS_MAX_PIXELS, or an animation's frames have more than 4 times that.",
        retryable=False,
        owner=Owner.HOST,
        host_responded=True,
        advice="Serve a scaled-down image; no shop shows that many pixels.",
    ),
    ErrorCode.DECODE_ERROR: ErrorGuide(
        "The image is truncated or corrupt, or processing it failed twice with an unexpected error.",
        retryable=False,
        owner=Owner.HOST,
        host_responded=True,
        advice="Export the image again and replace it at the host.",
    ),
    ErrorCode.DECODER_CRASHED: ErrorGuide(
        "The process that decoded the image crashed three times, two of them with no other image in progress.",
        retryable=True,
        owner=Owner.US,
        host_responded=True,
        advice="Retry. If it fails again, export the image again, and report the problem with the URL.",
    ),
    ErrorCode.DECODE_TIMEOUT: ErrorGuide(
        "Compressing the image exceeded its time limit. If it had hardly any processor time, it was tried again alone.",
        retryable=True,
        owner=Owner.US,
        host_responded=True,
        advice="Retry when the service is less loaded. If it fails again, serve a scaled-down image.",
    ),
    ErrorCode.CANCELLED: ErrorGuide(
        "The request was cancelled before the image was compressed.",
        retryable=True,
        owner=Owner.CLIENT,
        host_responded=False,
        advice="Retry the request to process the image after all.",
    ),
    ErrorCode.STORAGE: ErrorGuide(
        "The downloaded original disappeared from the object store. Only earlier versions failed images for this.",
        retryable=True,
        owner=Owner.US,
        host_responded=False,
        advice="Retry. The operator should find out what deletes objects from the store.",
    ),
    ErrorCode.WORKER_LOST: ErrorGuide(
        "The workers that processed the image crashed repeatedly, also with no other image in progress.",
        retryable=True,
        owner=Owner.US,
        host_responded=False,
        advice="Retry. The operator should check the workers' logs and memory.",
    ),
    ErrorCode.EXPIRED: ErrorGuide(
        "The image waited too long for Imagemill. Only earlier versions failed images for this.",
        retryable=True,
        owner=Owner.US,
        host_responded=False,
        advice="Retry: it does not happen again.",
    ),
    ErrorCode.INTERNAL: ErrorGuide(
        "An unexpected error in Imagemill.",
        retryable=True,
        owner=Owner.US,
        host_responded=False,
        advice="Retry, and report the problem to the operator: the logs have the details.",
    ),
}
"""One guide for each code."""
