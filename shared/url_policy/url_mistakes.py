"""Common mistakes in image URLs: how to recognise each, what to call it, and how to correct it. Pure."""

import re
from typing import NamedTuple


class UrlMistake(NamedTuple):
    """problem: what is wrong with the URL. advice: how to correct it."""

    problem: str
    advice: str


IMAGE_SUFFIX = r"\.(?:jpe?g|png|gif|webp|avif|tiff?|bmp)"
"""A pattern for the suffix of a file in a format that can be compressed; to be used without regard to case."""

_UPLOAD_IMAGE = "Put the image on a web server and enter its https:// address."
_FULL_ADDRESS = "Enter the full address, with https:// and the host."
_TWO_SLASHES = "Write https:// with two slashes."

LOGIN = UrlMistake("user name or password in the URL", "Enter an address that needs no login.")

_MISTAKES: tuple[tuple[re.Pattern[str], UrlMistake], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE | re.DOTALL), UrlMistake(problem, advice))
    for pattern, problem, advice in (
        (r"(?:n/?a|#n/a|-+|null|none|nil|no[ _]?image|no_selection)\Z", "not a URL", "Leave the cell empty."),
        (r"data:", "a data: URI, not a URL", _UPLOAD_IMAGE),
        (r"file:", "a file on a computer, not a URL", _UPLOAD_IMAGE),
        (r"[a-z]:[\\/]|\\\\", "a path on a computer, not a URL", _UPLOAD_IMAGE),
        (r"//", "the scheme is missing before //", "Write https: before it."),
        (r"https?:/(?!/)", "a slash is missing after the scheme", _TWO_SLASHES),
        (r"https?:///", "one slash too many after the scheme", _TWO_SLASHES),
        (r"https?:(?!/)", "the slashes are missing after the scheme", _TWO_SLASHES),
        (r"(?:ftp|sftp|s3|gs)://", "not an http or https URL", "Enter the image's public https:// address."),
        (r"(?!https?:)[a-z][a-z0-9+.-]*://", "not an http or https URL", "Start the address with https://."),
        (r"(?:/|\.\.?/)", "a path without a host", _FULL_ADDRESS),
        (r"(?:www\.|[a-z0-9-]+(?:\.[a-z0-9-]+)+/)", "the scheme is missing", "Write https:// before it."),
        (rf"[^/:]+(?:{IMAGE_SUFFIX}|\.svg)", "a file name, not a URL", _FULL_ADDRESS),
        (r"https?://[^/?#]*@", *LOGIN),
        (r".*[\r\n\t]", "a line break or tab in the URL", "Write the URL on one line, without tabs."),
    )
)


def mistake_in(url: str) -> UrlMistake | None:
    """The first known mistake in a URL that was refused; None if it has no known one."""
    return next((mistake for pattern, mistake in _MISTAKES if pattern.match(url)), None)
