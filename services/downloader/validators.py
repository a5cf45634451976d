"""Conditional requests: the headers that ask a host whether an image has changed (RFC 9110, section 13). Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

from shared.contracts.messages import KnownResult

_IF_NONE_MATCH, _IF_MODIFIED_SINCE = "If-None-Match", "If-Modified-Since"
CONDITIONAL_HEADERS = frozenset({_IF_NONE_MATCH, _IF_MODIFIED_SINCE})
_MAX_CHARS = 500  # a longer value is no plausible version, and three messages carry each value


@dataclass(frozen=True, slots=True)
class Validators:
    """A host's names for the version of an image that it sent; None for those that it did not send."""

    etag: str | None = None
    last_modified: str | None = None

    @classmethod
    def from_headers(cls, headers: Mapping[str, str]) -> "Validators":
        """Those of a response with these headers."""
        return cls(_usable(headers.get("ETag")), _usable(headers.get("Last-Modified")))

    def or_else(self, known: KnownResult) -> "Validators":
        """These validators, completed by the known ones."""
        return Validators(self.etag or known.etag, self.last_modified or known.last_modified)

    def __bool__(self) -> bool:
        return bool(self.etag or self.last_modified)


def conditions(known: KnownResult | None) -> Mapping[str, str]:
    """The headers that request an image only if it differs from the known one."""
    if known is None:
        return {}
    headers = {_IF_NONE_MATCH: known.etag, _IF_MODIFIED_SINCE: known.last_modified}
    return {name: value for name, value in headers.items() if value}


def is_not_modified(status: int, request_headers: Mapping[str, str]) -> bool:
    """Whether the image is unchanged. Some hosts send 304 without having been asked; that means nothing."""
    return status == HTTPStatus.NOT_MODIFIED and any(name in request_headers for name in CONDITIONAL_HEADERS)


def _usable(value: str | None) -> str | None:
    return value if value and len(value) <= _MAX_CHARS and value.isascii() and value.isprintable() else None
