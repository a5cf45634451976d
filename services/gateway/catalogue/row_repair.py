"""Rows that have not as many cells as the header, made to have them: their texts, and their record. Pure."""

import csv
import io
import re
from dataclasses import dataclass
from typing import Literal

from services.gateway.catalogue.image_urls import begins_with_url
from shared.catalogue import join_record, raw_cell, split_record

_ENDED = re.compile(r"\.(?:jpe?g|png|gif|webp|avif|tiff?|bmp)\Z", re.IGNORECASE)
_BLANK = re.compile(r"\s")

Mending = Literal["unwrapped", "filled", "trimmed", "rejoined"]
"""unwrapped: quotes were around all of the line. filled: cells were missing at its end. trimmed: blank cells at its end
were too many. rejoined: the last cell's list of URLs was not quoted, so that it lay in several cells."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """record has the raw cells whose texts are `cells`, and the row's own line end."""

    cells: list[str]
    record: str
    mendings: tuple[Mending, ...] = ()


def unwrapped(cells: list[str], given: str, delimiter: str) -> Fitted | None:
    """A row whose whole line is quoted, without these quotes; None if it has more cells, or there are none inside."""
    if not cells or any(cell.strip() for cell in cells[1:]) or delimiter not in cells[0]:
        return None
    if not given.lstrip(" ").startswith('"'):
        return None
    inner = cells[0].strip("\r\n")
    reader = csv.reader(io.StringIO(inner, newline=""), delimiter=delimiter, strict=True, skipinitialspace=True)
    try:
        rows = list(reader)
    except csv.Error:
        return None
    if len(rows) != 1:
        return None
    return Fitted(rows[0], inner + split_record(given, delimiter)[1], ("unwrapped",))


def fitted(row: Fitted, width: int, delimiter: str, *, urls_are_last: bool) -> Fitted | None:
    """The row with `width` cells; None if that cannot be had without a guess at what belongs where."""
    inner = unwrapped(row.cells, row.record, delimiter)
    if inner and not _is_list(inner.cells) and (len(inner.cells) >= width or any(map(begins_with_url, inner.cells))):
        return _with_width(inner, width, delimiter, urls_are_last=urls_are_last)
    return _with_width(row, width, delimiter, urls_are_last=urls_are_last)


def _with_width(row: Fitted, width: int, delimiter: str, *, urls_are_last: bool) -> Fitted | None:
    cells = row.cells
    if len(cells) == width:
        return row
    raw, line_end = split_record(row.record, delimiter)
    mending: Mending
    if len(cells) < width:
        missing = [""] * (width - len(cells))
        mending, texts, raw = "filled", cells + missing, raw + missing
    elif not any(map(str.strip, cells[width:])):
        mending, texts, raw = "trimmed", cells[:width], raw[:width]
    else:
        listed = delimiter.join(cells[width - 1 :])
        if not urls_are_last or not _goes_on(cells[width - 1 :]):
            return None
        before = width - 1
        mending, texts, raw = "rejoined", [*cells[:before], listed], [*raw[:before], raw_cell(listed, delimiter)]
    return Fitted(texts, join_record(raw, delimiter, line_end), (*row.mendings, mending))


def _is_list(cells: list[str]) -> bool:
    """A quoted list of URLs in the row's first cell, and not a quoted row."""
    return len(cells) > 1 and begins_with_url(cells[0]) and begins_with_url(cells[1])


def _goes_on(pieces: list[str]) -> bool:
    """Whether these pieces are a list of URLs in which some have the delimiter inside.

    A piece that begins with no URL can only be the rest of one, which has no blanks and comes before its file's ending;
    anything else is the text of another column.
    """
    url = ""
    for piece in pieces:
        if begins_with_url(piece):
            url = piece.strip()
        elif text := piece.strip():
            if not url or _ENDED.search(url) or _BLANK.search(text):
                return False
            url += f",{text}"
    return bool(url)
