"""Repairs URLs as people paste them: HTML entities, invisible characters, backslashes, letters beyond ASCII. Pure.

A repaired URL means what the given one means to browsers, apart from entities and invisible characters, which browsers
would send.
"""

import re
from typing import NamedTuple
from urllib.parse import quote

from shared.url_policy import IMAGE_SUFFIX, MAX_URL_CHARS, InvalidUrl, parse_url

_PARTS = re.compile(r"(https?:)([/\\]+)([^/\\?#]*)([^?#]*)(.*)", re.IGNORECASE | re.DOTALL)
_ENTITIES = re.compile(r"&(?:(?:amp;)+|#38;)", re.IGNORECASE)
_LINE_BREAKS = re.compile(r"[\t\r\n]+")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]+")
_SITE = re.compile(rf"(?!.*{IMAGE_SUFFIX}\Z)[^.]+(?:\.[^.]+)+", re.IGNORECASE | re.DOTALL)

_JOINERS = "\u200c\u200d"
_MARKS = "\u00ad\u034f\u061c\u180e\u200b\u200e\u200f" + "".join(
    chr(code)
    for first, last in ((0x202A, 0x202E), (0x2060, 0x2064), (0x2066, 0x206F))
    for code in range(first, last + 1)
)
INVISIBLE = f"{_MARKS}{_JOINERS}\ufeff"
"""Soft hyphens, spaces without width, joiners, and the marks that set the direction of writing."""
# Between letters of some scripts, and in emoji, a joiner is part of the word.
_INVISIBLE = re.compile(rf"[{_MARKS}\ufeff]+|(?<![^\x00-\x7f])[{_JOINERS}]+|[{_JOINERS}]+(?![^\x00-\x7f])")


class UrlRepair(NamedTuple):
    """What was repaired in a URL, and how to write it correctly."""

    problem: str
    advice: str


IF_TWO = "If these are two URLs, start the second one with http:// or https://."
_AMPERSAND = UrlRepair('"&amp;" in the URL; it was read as "&"', "Copy the address from the browser, not from HTML.")
INVISIBLE_CHARACTER = UrlRepair(
    "an invisible character in the URL; it was removed", "Type the address, or paste it as plain text."
)
QUOTE_AT_END = UrlRepair(
    "a quote at the end of the URL; it was removed", "If it is part of the address, write it as %27."
)
_SLASHES = UrlRepair("too few or too many slashes after the scheme; two were read", "Write https:// with two slashes.")
_BACKSLASH = UrlRepair("a backslash in the URL; it was read as a slash", "Write slashes (/).")
_LINE_BREAK = UrlRepair("a line break or tab in the URL; it was removed", f"Write the URL on one line. {IF_TWO}")
_SPACE = UrlRepair("a space in the URL; it was read as %20", f"Write %20. {IF_TWO}")
_LETTERS = UrlRepair("letters beyond ASCII in the URL; they were percent-encoded", "Copy the address from the browser.")
_DOMAIN = UrlRepair("letters beyond ASCII in the URL's host; it was read as xn--…", "Write the host in ASCII.")


def needs_repair(text: str) -> bool:
    """Whether a URL, or a cell of URLs, may need repair. Quick: a million cells are asked, and few need it.

    A wrong number of slashes after the scheme is found in one URL, but not in every cell of several.
    """
    return (
        not text.isascii()
        or " " in text
        or "\\" in text
        or "'" in text
        or "\n" in text
        or "\t" in text
        or "\r" in text
        or ("&" in text and ("&amp;" in text or "&#38;" in text or "&AMP;" in text))
        or "://" not in text
        or ":///" in text
    )


def repair_url(url: str) -> tuple[str, list[UrlRepair]]:
    """The repaired URL, and what was repaired. Text that is no http(s) URL, or is too long, is returned unchanged."""
    repairs: list[UrlRepair] = []
    text = _replaced(url, _INVISIBLE, "", INVISIBLE_CHARACTER, repairs)
    text = _replaced(text, _LINE_BREAKS, "", _LINE_BREAK, repairs)
    parts = _PARTS.fullmatch(text)
    if parts is None or len(url) > MAX_URL_CHARS:
        return url, []
    scheme, slashes, host, path, query = parts.groups()
    if "\\" in slashes + path:
        slashes, path = slashes.replace("\\", "/"), path.replace("\\", "/")
        repairs.append(_BACKSLASH)
    if slashes != "//" and _SITE.fullmatch(host):
        slashes = "//"
        repairs.append(_SLASHES)
    rest = _replaced(path + query, _ENTITIES, "&", _AMPERSAND, repairs)
    if " " in rest:
        rest = rest.replace(" ", "%20")
        repairs.append(_SPACE)
    if not rest.isascii():
        rest = _NOT_ASCII.sub(lambda found: quote(found[0]), rest)
        repairs.append(_LETTERS)
    if not host.isascii() and (ascii_host := _ascii(scheme, host)) is not None:
        host = ascii_host
        repairs.append(_DOMAIN)
    return f"{scheme}{slashes}{host}{rest}", repairs


def _replaced(text: str, pattern: re.Pattern[str], by: str, repair: UrlRepair, repairs: list[UrlRepair]) -> str:
    replaced = pattern.sub(by, text)
    if replaced != text:
        repairs.append(repair)
    return replaced


def _ascii(scheme: str, authority: str) -> str | None:
    """The authority as browsers read it; None if it is refused."""
    try:
        parsed = parse_url(f"{scheme}//{authority}/")
    except InvalidUrl:
        return None
    return None if parsed.credentials else parsed.authority
