"""Splits a cell into the image URLs that it lists. Pure."""

import re

from services.gateway.catalogue.url_repair import Repair, needs_repair, repaired

_BEGIN = r"(?:https?:/|(?:ftp|s3|gs|file)://|data:|//)"
# Commas are legal in URLs (image CDNs put their parameters there), so a cell is split only where the next URL begins.
# The look-behind lets a run of separators be tried once, from its start: without it a long run takes quadratic time.
# It stands behind the first character, which is quick to search for.
_SEPARATOR = re.compile(rf"[\s,;|](?<![\s,;|]{{2}})[\s,;|]*+(?=[\"'<\[]*+{_BEGIN})", re.IGNORECASE)
_WRAPPING = " \t\r\n\u00a0\u200b\ufeff,;|\"'<>\u2018\u2019\u201c\u201d"
_OPENING = _WRAPPING + "["
_BEGINS = re.compile(_BEGIN, re.IGNORECASE)
_ESCAPED_COMMA = "\\,"
_STAND_IN = "\0"  # stands for an escaped comma while a cell is split: no file that has one gets this far


def split_urls(cell: str) -> tuple[str, ...]:
    """The URLs of a cell, one for each slot, in their order; without the quotes and separators around them.

    What stands before the first URL, or is no URL at all, is a slot as well: that slot will fail.
    """
    if cell.startswith("[") and cell.endswith("]"):  # as JSON has lists; elsewhere a bracket may be the URL's own
        cell = cell[1:-1]
    return tuple([url for token in _SEPARATOR.split(cell) if (url := token.strip(_WRAPPING))])


def read_urls(cell: str, *, escaped: bool = False) -> tuple[tuple[str, ...], list[tuple[int, str, Repair]]]:
    """The URLs of a cell, mended; and of each that was: its slot in the cell, how it was written, what was wrong.

    `escaped`: a backslash before a comma says that it separates nothing.
    """
    if escaped and _ESCAPED_COMMA in cell:
        given = [url.replace(_STAND_IN, ",") for url in split_urls(cell.replace(_ESCAPED_COMMA, _STAND_IN))]
    elif not needs_repair(cell):
        return split_urls(cell), []
    else:
        given = list(split_urls(cell))
    repairs: list[tuple[int, str, Repair]] = []
    for slot, url in enumerate(given):
        if needs_repair(url):
            given[slot], found = repaired(url)
            repairs.extend((slot, url, repair) for repair in found)
    return tuple(given), repairs


def begins_with_url(text: str) -> bool:
    """Whether a list of URLs begins here, so that what follows its commas may belong to it."""
    return _BEGINS.match(text.lstrip(_OPENING)) is not None
