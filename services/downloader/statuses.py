"""Which statuses mean that a response has the whole image. Pure."""

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
_WHOLE_RANGE = re.compile(r"bytes 0-([0-9]{1,20})/([0-9]{1,20})")


def has_whole_content(status: int, headers: Mapping[str, str]) -> bool:
    """Whether the body is the whole image if it is one.

    Browsers show the image of any status; an image beside an error is a stand-in for the one that was asked for.
    headers: those of the response. Some hosts send the whole image as a range, although nobody asked for one.
    """
    if status == HTTPStatus.PARTIAL_CONTENT:
        sent = _WHOLE_RANGE.fullmatch(headers.get("Content-Range", "").strip())
        return sent is not None and int(sent[1]) + 1 == int(sent[2])
    return status // 100 == 2 and status not in _OTHER_CONTENT
