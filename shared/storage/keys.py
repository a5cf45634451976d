"""Checks object keys: a key must mean the same in a directory, in S3 and in a URL."""

import re

_SEGMENT = r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}"
_KEY = re.compile(rf"{_SEGMENT}(?:/{_SEGMENT})*")
_PREFIX = re.compile(rf"(?:{_SEGMENT}/)*(?:{_SEGMENT})?")

MAX_KEY_LENGTH = 900
"""S3 allows 1024 bytes; the rest is reserved for folders that a store adds."""


def check_key(key: str) -> str:
    """Return the key, or raise ValueError if it is not allowed.

    A key is segments joined by "/". A segment is up to 200 ASCII letters, digits, "-", "_" and ".", and does not
    begin with ".". This excludes "..", hidden names, absolute paths, empty segments and anything to escape.
    """
    if len(key) > MAX_KEY_LENGTH or not _KEY.fullmatch(key):
        raise ValueError(f"not an object key: {key[:MAX_KEY_LENGTH]!r}")
    return key


def check_prefix(prefix: str) -> str:
    """Return the prefix, or raise ValueError if no key can start with it. "" and "results/" are allowed."""
    if len(prefix) > MAX_KEY_LENGTH or not _PREFIX.fullmatch(prefix):
        raise ValueError(f"not the beginning of an object key: {prefix[:MAX_KEY_LENGTH]!r}")
    return prefix
