"""Taking secrets out of text before it is logged."""

import re

_CREDENTIALS = re.compile(r"(?<=://)[^\s/\"'<>]*@")
_SECRET_PARAMETER = re.compile(
    r"(?i)([?&;][\w.-]*(?:token|secret|signature|password|credential|api[_-]?key|\bkey|\bsig)=)[^\s&;#\"'<>\\]+"
)


def redact(text: str) -> str:
    """The text with "***" for user and password in URLs, and for query parameters that are named like secrets."""
    if "://" not in text:
        return text
    return _SECRET_PARAMETER.sub(r"\1***", _CREDENTIALS.sub("***@", text))
