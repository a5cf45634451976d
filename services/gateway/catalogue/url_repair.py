"""Repairs URLs as people paste them: HTML entities, invisible characters, spaces, letters beyond ASCII. Pure."""

import re
from typing import NamedTuple
from urllib.parse import quote

from shared.url_policy import MAX_URL_CHARS, InvalidUrl, parse_url

_PARTS = re.compile(r"(https?://)([^/?#]*)(.*)", re.IGNORECASE | re.DOTALL)
_ENTITIES = re.compile(r"&(?:(?:amp;)+|#38;)", re.IGNORECASE)
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]+")


class UrlRepair(NamedTuple):
    """What was repaired in a URL, and how to write it correctly."""

    problem: str
    advice: str


_AMPERSAND = UrlRepair('"&amp;" in the URL; it was read as "&"', "Copy the address from the browser, not from HTML.")
_INVISIBLE_CHARACTER = UrlRepair(
    "an invisible character in the URL; it was removed", "Type the address, or paste it as plain text."
)
_SPACE = UrlRepair(
    "a space in the URL; it was read as %20",
    "Write %20. If these are two URLs, start the second one with http:// or https://.",
)
_LETTERS = UrlRepair("letters beyond ASCII in the URL; they were percent-encoded", "Copy the address from the browser.")
_DOMAIN = UrlRepair("letters beyond ASCII in the URL's host; it was read as xn--…", "Write the host in ASCII.")


def needs_repair(text: str) -> bool:
    """Whether a URL, or a cell of URLs, may need repair. Quick."""
    return not text.isascii() or " " in text or "&amp;" in text or "&#38;" in text or "&AMP;" in text


def repair_url(url: str) -> tuple[str, list[UrlRepair]]:
    """The repaired URL, and what was repaired. Text that is no http(s) URL, or is too long, is returned unchanged."""
    parts = _PARTS.fullmatch(url)
    if parts is None or len(url) > MAX_URL_CHARS:
        return url, []
    scheme, host, rest = parts.groups()
    repairs: list[UrlRepair] = []
    if "&" in rest and (found := _ENTITIES.sub("&", rest)) != rest:
        rest = found
        repairs.append(_AMPERSAND)
    if _INVISIBLE.search(url):
        host, rest = _INVISIBLE.sub("", host), _INVISIBLE.sub("", rest)
        repairs.append(_INVISIBLE_CHARACTER)
    if " " in rest:
        rest = rest.replace(" ", "%20")
        repairs.append(_SPACE)
    if not rest.isascii():
        rest = _NOT_ASCII.sub(lambda found: quote(found[0]), rest)
        repairs.append(_LETTERS)
    if not host.isascii() and (ascii_host := _ascii(scheme, host)) is not None:
        host = ascii_host
        repairs.append(_DOMAIN)
    return scheme + host + rest, repairs


def _ascii(scheme: str, authority: str) -> str | None:
    """The authority as browsers read it; None if it is refused."""
    try:
        parsed = parse_url(f"{scheme}{authority}/")
    except InvalidUrl:
        return None
    return None if parsed.credentials else parsed.authority
