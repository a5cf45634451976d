"""The closed list of reasons for which an image fails, as reports and events spell them."""

from enum import StrEnum


class ErrorCode(StrEnum):
    """Why an image failed or was deferred. The words stand in reports, events and logs."""

    # The catalogue is at fault.
    INVALID_URL = "invalid_url"  # not an absolute http(s) URL
    BLOCKED_ADDRESS = "blocked_address"  # leads to a private, loopback, link-local or metadata address

    # The image's host is at fault.
    DNS = "dns"  # the host name does not resolve
    CONNECT = "connect"  # refused, unreachable or cut off
    TLS = "tls"  # no valid certificate
    TIMEOUT = "timeout"  # connecting, reading or the whole download took too long
    REDIRECT = "redirect"  # too many redirects, or one that leads nowhere
    HTTP_403 = "http_403"
    HTTP_404 = "http_404"
    HTTP_410 = "http_410"
    HTTP_429 = "http_429"  # the host asked us to slow down until no attempt was left
    HTTP_4XX = "http_4xx"  # any other refusal
    HTTP_5XX = "http_5xx"
    TOO_LARGE = "too_large"  # more bytes than FETCH_MAX_BYTES
    NOT_AN_IMAGE = "not_an_image"  # the bytes are something else; the detail says what

    # The image itself is at fault.
    UNSUPPORTED_FORMAT = "unsupported_format"
    TOO_MANY_PIXELS = "too_many_pixels"
    DECODE_ERROR = "decode_error"  # truncated or corrupt
    DECODER_CRASHED = "decoder_crashed"
    DECODE_TIMEOUT = "decode_timeout"

    # We are at fault.
    STORAGE = "storage"  # a stored original vanished more often than there are attempts
    WORKER_LOST = "worker_lost"  # its command was dead-lettered twice
    EXPIRED = "expired"  # it found no end within IMAGE_MAX_AGE
    INTERNAL = "internal"
