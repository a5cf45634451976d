"""How much of an image a response has, by its status and Content-Range (RFC 9110, section 14.4). Pure."""

import re
from collections.abc import Mapping
from http import HTTPStatus

_OTHER_CONTENT = frozenset(
    {
        HTTPStatus.ACCEPTED,  # the image is being made; a body is a stand-in for it
        HTTPStatus.NO_CONTENT,
        HTTPStatus.RESET_CONTENT,
        HTTPStatus.PARTIAL_CONTENT,
    }
)
_CONTENT_RANGE = re.compile(r"bytes (?:([0-9]{1,20})-([0-9]{1,20})|\*)/([0-9]{1,20})")


def has_whole_content(status: int, headers: Mapping[str, str]) -> bool:
    """Whether the body is the whole image if it is one.

    Browsers show the image of any status; an image beside an error is a stand-in for the one that was asked for.
    headers: those of the response. Some hosts send the whole image as a range, although nobody asked for one.
    """
    if status == HTTPStatus.PARTIAL_CONTENT:
        sent = _content_range(headers)
        return sent is not None and sent[1] == "0" and int(sent[2]) + 1 == int(sent[3])
    return status // 100 == 2 and status not in _OTHER_CONTENT


def complete_size(headers: Mapping[str, str]) -> int | None:
    """The size of the whole image of which a partial response has a range; None if the host does not say."""
    sent = _content_range(headers)
    return None if sent is None else int(sent[3])


def _content_range(headers: Mapping[str, str]) -> re.Match[str] | None:
    """Its first and last byte, which can be None, and the size of the whole."""
    return _CONTENT_RANGE.fullmatch(headers.get("Content-Range", "").strip())
