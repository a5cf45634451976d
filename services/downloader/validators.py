"""Asking a host whether an image is still the one that it gave before (RFC 9110, section 13). Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from shared.contracts.messages import KnownResult

_NOT_MODIFIED = 304
_IF_NONE_MATCH, _IF_MODIFIED_SINCE = "If-None-Match", "If-Modified-Since"
CONDITIONS = frozenset({_IF_NONE_MATCH, _IF_MODIFIED_SINCE})
_MAX_CHARS = 500  # a longer one is no name for a version, and each is carried by three messages


@dataclass(frozen=True, slots=True)
class Validators:
    """What a host calls the version of an image that it gave; None for what it does not say."""

    etag: str | None = None
    last_modified: str | None = None

    @classmethod
    def of(cls, response: httpx.Response, asked_url: str) -> "Validators":
        """Those of an answer; none if redirects led there, since they may lead elsewhere next time."""
        if response.url != httpx.URL(asked_url):
            return cls()
        return cls(_usable(response.headers.get("ETag")), _usable(response.headers.get("Last-Modified")))

    def or_else(self, known: KnownResult) -> "Validators":
        """These, and what was known for what they do not say."""
        return Validators(self.etag or known.etag, self.last_modified or known.last_modified)

    def __bool__(self) -> bool:
        return bool(self.etag or self.last_modified)


def conditions(known: KnownResult | None) -> Mapping[str, str]:
    """The headers that ask for an image only if it is no longer the known one."""
    if known is None:
        return {}
    asked = {_IF_NONE_MATCH: known.etag, _IF_MODIFIED_SINCE: known.last_modified}
    return {name: value for name, value in asked.items() if value}


def is_not_modified(response: httpx.Response) -> bool:
    """Whether the host says so, having been asked: some say it to anybody."""
    return response.status_code == _NOT_MODIFIED and any(name in response.request.headers for name in CONDITIONS)


def _usable(value: str | None) -> str | None:
    return value if value and len(value) <= _MAX_CHARS and value.isascii() and value.isprintable() else None
