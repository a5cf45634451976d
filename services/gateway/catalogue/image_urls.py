"""Splits a cell into the image URLs that it lists. Pure."""

import re

from services.gateway.catalogue.url_markup import ESCAPED_SLASHES, FoundUrls, find_marked_urls
from services.gateway.catalogue.url_repair import (
    INVISIBLE,
    INVISIBLE_CHARACTER,
    QUOTE_AT_END,
    UrlRepair,
    needs_repair,
    repair_url,
)

_BEGIN = r"(?:https?:[/\\]|(?:ftp|s3|gs|file)://|data:|//)"
# Commas are legal in URLs, and image CDNs put parameters between them, so a cell is split only where a URL begins.
# With the look-behind a run of separators is tried only from its start; otherwise a long run takes quadratic time.
# The look-behind follows the first character because that is quick to search for.
_SEPARATOR = re.compile(rf"[\s,;|](?<![\s,;|]{{2}})[\s,;|]*+(?=[\"'<\[{{{INVISIBLE}]*+{_BEGIN})", re.IGNORECASE)
_ASCII_WRAPPING = " \t\r\n,;|\"'<>"  # stripping so few is quicker
_WRAPPING = f"{_ASCII_WRAPPING}\u00a0\u2018\u2019\u201c\u201d{INVISIBLE}"
_OPENING = _WRAPPING + "[{"
_BEGINS = re.compile(_BEGIN, re.IGNORECASE)
_IS_HTTP = re.compile(r"https?:", re.IGNORECASE)
_ESCAPED_COMMA = "\\,"
_ESCAPED_SLASH = "\\/"
_PLAIN_BEGINNINGS = ("http://", "https://")
_PLACEHOLDER = "\0"  # for an escaped comma while a cell is split; a file with a NUL is refused before


ReadUrls = tuple[tuple[str, ...], list[tuple[str, UrlRepair]]]
"""URLs; and for each repair: the URL as given, what was repaired."""


def split_urls(cell: str) -> tuple[str, ...]:
    """The URLs of a cell, one per slot and in order, without the quotes and separators around them.

    Text before the first URL, or text without any URL, is a slot of its own, which will fail.
    """
    wrapping = _ASCII_WRAPPING if cell.isascii() else _WRAPPING
    return tuple([url for token in _split(cell) if (url := token.strip(wrapping))])


def _split(cell: str) -> list[str]:
    # Lists of JSON and of PostgreSQL; elsewhere these may be part of a URL.
    if cell.startswith(("[", "{")) and cell.endswith(("]", "}")):
        cell = cell[1:-1]
    return _SEPARATOR.split(cell)


def read_urls(cell: str, *, escaped: bool = False) -> ReadUrls:
    """The repaired URLs of a cell, also of one with markup, and what was repaired.

    `escaped`: a comma after a backslash is part of a URL.
    """
    if cell.startswith(_PLAIN_BEGINNINGS):
        if not needs_repair(cell):
            return split_urls(cell), []
    elif not _BEGINS.match(cell.lstrip(_WRAPPING)) and (marked := find_marked_urls(cell)) is not None:
        return _repaired_each(cell, marked)
    if _ESCAPED_SLASH in cell:
        urls, repairs = read_urls(cell.replace(_ESCAPED_SLASH, "/"), escaped=escaped)
        return urls, [(cell, ESCAPED_SLASHES)] * len(urls) + repairs
    return _read_list(cell, escaped=escaped)


def _repaired_each(cell: str, marked: FoundUrls) -> ReadUrls:
    urls: list[str] = []
    repairs: list[tuple[str, UrlRepair]] = []
    # A string of a JSON list may itself be a list of URLs; markup ends each URL.
    given_urls = marked.urls if marked.repair else [url for text in marked.urls for url in split_urls(text)]
    for given in given_urls:
        repaired, found = repair_url(given)
        urls.append(repaired)
        if marked.repair is not None:
            repairs.append((cell, marked.repair))
        repairs.extend((given, repair) for repair in found)
    return tuple(urls), repairs


def _read_list(cell: str, *, escaped: bool) -> ReadUrls:
    urls: list[str] = []
    repairs: list[tuple[str, UrlRepair]] = []
    for token in _split(cell.replace(_ESCAPED_COMMA, _PLACEHOLDER) if escaped else cell):
        given = token.replace(_PLACEHOLDER, ",").strip()
        url = given.strip(_WRAPPING)
        if not url:
            continue
        repaired, found = repair_url(url) if needs_repair(url) else (url, [])
        around = _repairs_around(given) if _IS_HTTP.match(url) else []
        shown = given if around else url  # what was removed around a URL is part of what the finding shows
        repairs.extend((shown, repair) for repair in dict.fromkeys([*found, *around]))
        urls.append(repaired)
    return tuple(urls), repairs


def _repairs_around(given: str) -> list[UrlRepair]:
    """What was removed around a URL and may surprise: quotes in pairs and separators do not."""
    rest = given.lstrip(_WRAPPING)
    before, after = given[: len(given) - len(rest)], rest[len(rest.rstrip(_WRAPPING)) :]
    repairs = [QUOTE_AT_END] if "'" in after and "'" not in before else []
    if any(character in INVISIBLE for character in before + after):
        repairs.append(INVISIBLE_CHARACTER)
    return repairs


def begins_with_url(text: str) -> bool:
    """Whether the text begins with a URL or a list of URLs."""
    return _BEGINS.match(text.lstrip(_OPENING)) is not None
