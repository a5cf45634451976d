"""Removes secrets from text before it is logged. Pure."""

import re

_CREDENTIALS = re.compile(r"(?<=://)[^\s/\"'<>]*@")
_SECRET_PARAMETER = re.compile(
    r"(?i)([?&;][\w.-]*(?:token|secret|signature|password|credential|api[_-]?key|\bkey|\bsig)=)[^\s&;#\"'<>\\]+"
)


def redact(text: str) -> str:
    """The text with "***" in place of user and password in URLs, and of query parameters with secret names."""
    if "://" not in text:
        return text
    return _SECRET_PARAMETER.sub(r"\1***", _CREDENTIALS.sub("***@", text))
