"""Removes secrets from text before it is logged, recorded or shown. Pure."""

import re
from urllib.parse import urlsplit

_CREDENTIALS = re.compile(r"(?<=://)[^\s/\"'<>]*@")
_NAME = r"(?<![\w.-])[\w.-]*(?:token|secret|signature|password|passwd|credential|authorization|api[_-]?key|\bkey|\bsig)"
_SECRET_PARAMETER = re.compile(
    r"(?i)([?&;][\w.-]*(?:token|secret|signature|password|credential|api[_-]?key|\bkey|\bsig)=)[^\s&;#\"'<>\\]+"
)
_QUOTED = r"\\*[\"'][^\"'\\]*"
_BARE = r"(?:(?:bearer|basic)\s+)?[^\s\"'&;,<>\\]+"
_SECRET_FIELD = re.compile(rf"(?i)({_NAME}\\*[\"']?\s*[=:]\s*)({_QUOTED}|{_BARE})")
_SCHEME = re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{8,}")
_SIGNING_SECRET = re.compile(r"\bwhs(?:ec|k)_[\w+/=-]+")


def redact(text: str) -> str:
    """The text with "***" in place of user and password in URLs, and of query parameters with secret names."""
    if "://" not in text:
        return text
    return _SECRET_PARAMETER.sub(r"\1***", _CREDENTIALS.sub("***@", text))


def redact_text(text: str) -> str:
    """As `redact`, and also without secrets in the usual places of a document: fields, headers, signing secrets."""
    text = _SIGNING_SECRET.sub("***", redact(text))
    return _SCHEME.sub(r"\1 ***", _SECRET_FIELD.sub(r"\1***", text))


def redact_url(url: str) -> str:
    """The URL without user, password and fragment, and with "***" in place of every value in its query."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "***"
    query = re.sub(r"(?:([^=&;]*=)[^&;]*|[^=&;]+)", lambda match: f"{match[1] or ''}***", parts.query)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query=query, fragment="").geturl()
