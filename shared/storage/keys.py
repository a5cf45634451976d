"""Which keys an object may have: those that mean the same in a folder, in S3 and in a URL."""

import re

_SEGMENT = r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}"
_KEY = re.compile(rf"{_SEGMENT}(?:/{_SEGMENT})*")
_PREFIX = re.compile(rf"(?:{_SEGMENT}/)*(?:{_SEGMENT})?")

MAX_KEY_LENGTH = 900
"""S3 allows 1024 bytes; the rest is room for the folders that a store adds."""


def check_key(key: str) -> str:
    """The key itself, or ValueError.

    A key is segments joined by "/". A segment is up to 200 ASCII letters, digits, "-", "_" and ".", and does not
    begin with ".": so there is no "..", no hidden name, nothing absolute, nothing empty and nothing to escape.
    """
    if len(key) > MAX_KEY_LENGTH or not _KEY.fullmatch(key):
        raise ValueError(f"not an object key: {key[:MAX_KEY_LENGTH]!r}")
    return key


def check_prefix(prefix: str) -> str:
    """The prefix itself if some key can start with it ("" and "results/" too), or ValueError."""
    if len(prefix) > MAX_KEY_LENGTH or not _PREFIX.fullmatch(prefix):
        raise ValueError(f"not the beginning of an object key: {prefix[:MAX_KEY_LENGTH]!r}")
    return prefix
