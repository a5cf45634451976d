"""Repairs rows that have more or fewer cells than the header: their cells and their record. Pure."""

import csv
import io
import re
from dataclasses import dataclass
from typing import Literal

from services.gateway.catalogue.image_urls import begins_with_url
from shared.catalogue import join_record, raw_cell, split_record
from shared.url_policy import IMAGE_SUFFIX

_FILE_ENDING = re.compile(rf"{IMAGE_SUFFIX}\Z", re.IGNORECASE)
_ENDING_CHARS = 8  # more than any file ending has
_BLANK = re.compile(r"\s")

RowRepair = Literal["unwrapped", "filled", "trimmed", "rejoined"]
"""unwrapped: removed quotes around the whole line. filled: added missing cells at the end. trimmed: removed surplus
blank cells at the end. rejoined: put an unquoted list of URLs in the last column back into one cell."""


@dataclass(frozen=True, slots=True)
class RepairedRow:
    """A row's cells, its record with the same cells in raw form and the row's own line end, and what was repaired."""

    cells: list[str]
    record: str
    repairs: tuple[RowRepair, ...] = ()


def unwrap_row(cells: list[str], record: str, delimiter: str) -> RepairedRow | None:
    """A row whose whole line is quoted, without these quotes; None if the row is not such a row."""
    if not cells or any(cell.strip() for cell in cells[1:]) or delimiter not in cells[0]:
        return None
    if not record.lstrip(" ").startswith('"'):
        return None
    inner = cells[0].strip("\r\n")
    reader = csv.reader(io.StringIO(inner, newline=""), delimiter=delimiter, strict=True, skipinitialspace=True)
    try:
        rows = list(reader)
    except csv.Error:
        return None
    if len(rows) != 1:
        return None
    return RepairedRow(rows[0], inner + split_record(record, delimiter)[1], ("unwrapped",))


def repair_row(cells: list[str], record: str, width: int, delimiter: str, *, urls_are_last: bool) -> RepairedRow | None:
    """The row with `width` cells; None if it is not clear which text belongs in which column."""
    inner = unwrap_row(cells, record, delimiter)
    if inner and not _is_list(inner.cells) and (len(inner.cells) >= width or any(map(begins_with_url, inner.cells))):
        return _with_width(inner, width, delimiter, urls_are_last=urls_are_last)
    return _with_width(RepairedRow(cells, record), width, delimiter, urls_are_last=urls_are_last)


def _with_width(row: RepairedRow, width: int, delimiter: str, *, urls_are_last: bool) -> RepairedRow | None:
    cells = row.cells
    if len(cells) == width:
        return row
    raw, line_end = split_record(row.record, delimiter)
    repair: RowRepair
    if len(cells) < width:
        missing = [""] * (width - len(cells))
        repair, cells, raw = "filled", cells + missing, raw + missing
    elif not any(map(str.strip, cells[width:])):
        repair, cells, raw = "trimmed", cells[:width], raw[:width]
    else:
        listed = delimiter.join(cells[width - 1 :])
        if not urls_are_last or not _is_url_list(cells[width - 1 :]):
            return None
        before = width - 1
        repair, cells, raw = "rejoined", [*cells[:before], listed], [*raw[:before], raw_cell(listed, delimiter)]
    return RepairedRow(cells, join_record(raw, delimiter, line_end), (*row.repairs, repair))


def _is_list(cells: list[str]) -> bool:
    """Whether the first cell held a quoted list of URLs, which is not a quoted row."""
    return len(cells) > 1 and begins_with_url(cells[0]) and begins_with_url(cells[1])


def _is_url_list(pieces: list[str]) -> bool:
    """Whether these pieces are a list of URLs of which some contain the delimiter.

    A piece that does not begin with a URL can only continue the one before it: it has no blanks, and that URL has no
    file ending yet. Anything else is the text of another column.
    """
    end = ""  # of the URL so far; a search through all of it for each piece would take quadratic time
    for piece in pieces:
        text = piece.strip()
        if begins_with_url(piece):
            end = text[-_ENDING_CHARS:]
        elif text:
            if not end or _FILE_ENDING.search(end) or _BLANK.search(text):
                return False
            end = f"{end},{text}"[-_ENDING_CHARS:]
    return bool(end)
