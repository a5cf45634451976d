"""Splits a cell into the image URLs that it lists. Pure."""

import re

from services.gateway.catalogue.url_repair import UrlRepair, needs_repair, repair_url

_BEGIN = r"(?:https?:/|(?:ftp|s3|gs|file)://|data:|//)"
# Commas are legal in URLs, and image CDNs put parameters between them, so a cell is split only where a URL begins.
# With the look-behind a run of separators is tried only from its start; otherwise a long run takes quadratic time.
# The look-behind follows the first character because that is quick to search for.
_SEPARATOR = re.compile(rf"[\s,;|](?<![\s,;|]{{2}})[\s,;|]*+(?=[\"'<\[]*+{_BEGIN})", re.IGNORECASE)
_WRAPPING = " \t\r\n\u00a0\u200b\ufeff,;|\"'<>\u2018\u2019\u201c\u201d"
_OPENING = _WRAPPING + "["
_BEGINS = re.compile(_BEGIN, re.IGNORECASE)
_ESCAPED_COMMA = "\\,"
_PLACEHOLDER = "\0"  # for an escaped comma while a cell is split; a file with a NUL is refused before


def split_urls(cell: str) -> tuple[str, ...]:
    """The URLs of a cell, one per slot and in order, without the quotes and separators around them.

    Text before the first URL, or text without any URL, is a slot of its own, which will fail.
    """
    if cell.startswith("[") and cell.endswith("]"):  # a JSON list; a bracket elsewhere may be part of the URL
        cell = cell[1:-1]
    return tuple([url for token in _SEPARATOR.split(cell) if (url := token.strip(_WRAPPING))])


def read_urls(cell: str, *, escaped: bool = False) -> tuple[tuple[str, ...], list[tuple[int, str, UrlRepair]]]:
    """The repaired URLs of a cell; and for each repair: the slot in the cell, the URL as given, what was repaired.

    `escaped`: a comma after a backslash is part of a URL.
    """
    if escaped and _ESCAPED_COMMA in cell:
        urls = [url.replace(_PLACEHOLDER, ",") for url in split_urls(cell.replace(_ESCAPED_COMMA, _PLACEHOLDER))]
    elif not needs_repair(cell):
        return split_urls(cell), []
    else:
        urls = list(split_urls(cell))
    repairs: list[tuple[int, str, UrlRepair]] = []
    for slot, url in enumerate(urls):
        if needs_repair(url):
            urls[slot], found = repair_url(url)
            repairs.extend((slot, url, repair) for repair in found)
    return tuple(urls), repairs


def begins_with_url(text: str) -> bool:
    """Whether the text begins with a URL or a list of URLs."""
    return _BEGINS.match(text.lstrip(_OPENING)) is not None
