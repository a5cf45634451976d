"""Finds a catalogue's delimiter: the one with which its header has the most known column names. Pure."""

import csv
import io
import re
from typing import NamedTuple

from services.gateway.catalogue.columns import normalise
from services.gateway.catalogue.findings import CatalogueRefused, Finding, shorten
from services.gateway.catalogue.profiles import is_known

DELIMITERS = ",;\t|"
HEAD_CHARS = 1 << 16
_NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
_PREAMBLE = re.compile(r'[ \t]*"?sep=([^\r\n"]?)"?\1*[^\S\r\n]*(?:\r\n|\r|\n|\Z)', re.IGNORECASE)


class FoundDelimiter(NamedTuple):
    """preamble: the first line with its line end if it is a spreadsheet's `sep=;` line that names the delimiter."""

    delimiter: str
    preamble: str


def find_delimiter(head: str) -> FoundDelimiter:
    """The delimiter of the text that begins with `head`. Raises CatalogueRefused if its `sep=` line is wrong."""
    if named := _PREAMBLE.match(head):
        if not named[1] or named[1] not in DELIMITERS:
            raise CatalogueRefused((_unknown_delimiter(named[0]),))
        head = head[named.end() :]
    known = {delimiter: _known_names(head, delimiter) for delimiter in DELIMITERS}
    best = max(DELIMITERS, key=known.__getitem__)  # the first of several with the same count
    if named:
        if known[best] > 0 == known[named[1]]:
            raise CatalogueRefused((_other_delimiter(named[0], best),))
        return FoundDelimiter(named[1], named[0])
    if known[best]:
        return FoundDelimiter(best, "")
    rows = {delimiter: first_row(head, delimiter) for delimiter in DELIMITERS}
    blank = next((delimiter for delimiter in DELIMITERS if not rows[delimiter]), None)
    return FoundDelimiter(blank or max(DELIMITERS, key=lambda delimiter: len(rows[delimiter])), "")


def first_row(text: str, delimiter: str) -> list[str]:
    """The cells of the first row that is not blank. They are wrong if the row's quotes are."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    try:
        for cells in reader:
            if any(map(str.strip, cells)):
                return cells
    except csv.Error:  # a cell above the limit; it is reported when the header is read
        pass
    return []


def _known_names(head: str, delimiter: str) -> int:
    cells = first_row(head, delimiter)
    if len(cells) == 1 and delimiter in cells[0]:  # the whole line is quoted
        cells = first_row(cells[0], delimiter)
    return sum(is_known(normalise(cell)) for cell in cells)


def _other_delimiter(line: str, found: str) -> Finding:
    return Finding(
        f"the first line names a delimiter, but the header is separated by {_NAMES[found]}",
        "Correct or delete the first line.",
        line=1,
        text=shorten(line),
    )


def _unknown_delimiter(line: str) -> Finding:
    return Finding(
        "the first line names a delimiter that is not supported",
        "Separate the cells with commas, semicolons, tabs or vertical bars.",
        line=1,
        text=shorten(line),
    )
