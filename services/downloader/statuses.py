"""Which statuses mean that a response has the whole image. Pure."""

import re
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


def has_whole_content(status: int, content_range: str | None = None) -> bool:
    """Whether the body is the whole image if it is one.

    Browsers show the image of any status; an image beside an error is a stand-in for the one that was asked for.
    content_range: the header of that name. Some hosts send it with the whole image, although nobody asked for a range.
    """
    if status == HTTPStatus.PARTIAL_CONTENT:
        sent = _WHOLE_RANGE.fullmatch((content_range or "").strip())
        return sent is not None and int(sent[1]) + 1 == int(sent[2])
    return status // 100 == 2 and status not in _OTHER_CONTENT
