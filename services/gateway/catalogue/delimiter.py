"""Finds a catalogue's delimiter and its header: the row with the most known column names. Pure.

Rows above the header are passed over: titles, comments ("#INFO", Meta's "# Required | …") and a template's settings
(Amazon's "TemplateType=…", whose labels for people are followed by the names that Amazon reads).
"""

import csv
import io
import re
from collections.abc import Iterator
from typing import NamedTuple

from services.gateway.catalogue.findings import CatalogueRefused, Finding, shorten
from services.gateway.catalogue.image_urls import begins_with_url
from services.gateway.catalogue.profiles import is_known, read_name
from services.gateway.catalogue.row_repair import unwrap_row

DELIMITERS = ",;\t|"
HEAD_CHARS = 1 << 16
_NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
_SEP_LINE = re.compile(r'[ \t]*"?sep=([^\r\n"]?)"?\1*[^\S\r\n]*(?:\r\n|\r|\n|\Z)', re.IGNORECASE)
_TEMPLATE = re.compile(r"(?:TemplateType|settings)=", re.IGNORECASE)
_MAX_ROWS_ABOVE = 30
_NAMES_OF_A_HEADER = 3  # known ones; a title hardly has so many


class FoundHeader(NamedTuple):
    """preamble: the text before the header, with its line ends: a spreadsheet's `sep=;` line, and rows passed over.

    rows_above: how many rows were passed over. first_above: the first of them.
    """

    delimiter: str
    preamble: str = ""
    rows_above: int = 0
    first_above: str = ""


class _Row(NamedTuple):
    """cells: of a row that is not blank. start: of its text. number: how many such rows are above it."""

    cells: list[str]
    start: int
    number: int

    @property
    def known(self) -> int:
        """How many of its cells are known column names."""
        return sum(map(is_known, map(read_name, self.cells)))


_NO_ROW = _Row([""], 0, 0)
"""Stands for the header of a text that has only blank rows."""


def find_header(head: str) -> FoundHeader:
    """The delimiter and the header of the text that begins with `head`. Raises CatalogueRefused for a wrong `sep=`."""
    head = head[:HEAD_CHARS]  # so that reading again finds the whole preamble in its first piece
    named = _SEP_LINE.match(head)
    sep_line = named[0] if named else ""
    if named and (not named[1] or named[1] not in DELIMITERS):
        raise CatalogueRefused((_unknown_delimiter(sep_line),))
    body = head[len(sep_line) :]
    rows = {delimiter: list(_rows(body, delimiter)) or [_NO_ROW] for delimiter in DELIMITERS}
    headers = _headers(rows)
    known = {delimiter: header.known for delimiter, header in headers.items()}
    delimiter = max(DELIMITERS, key=known.__getitem__)  # the first of several with the same count
    if named:
        if known[delimiter] > 0 == known[named[1]]:
            raise CatalogueRefused((_other_delimiter(sep_line, delimiter),))
        delimiter = named[1]
    elif not known[delimiter]:
        delimiter = _of_unknown_names(headers)
    header = headers[delimiter]
    if header.number == 0:
        return FoundHeader(delimiter, sep_line)
    first_above = delimiter.join(rows[delimiter][0].cells)
    return FoundHeader(delimiter, sep_line + body[: header.start], header.number, first_above)


def _headers(rows: dict[str, list[_Row]]) -> dict[str, _Row]:
    """For each delimiter, the row that is most likely the header.

    If the first row is a header with one delimiter, the others are compared by their first rows as well: names of
    columns in a cell further down, such as "photo,image,picture", do not count.
    """
    first = {delimiter: found[0] for delimiter, found in rows.items()}
    if any(_TEMPLATE.match(row.cells[0]) for row in first.values()):
        return {delimiter: _of_template(found) for delimiter, found in rows.items()}
    if any(row.known >= _NAMES_OF_A_HEADER - 1 for row in first.values()):
        return first
    below = {delimiter: _below_others(found) for delimiter, found in rows.items()}
    starts = [row.start for row in below.values() if row.known >= _NAMES_OF_A_HEADER]
    if starts:  # the uppermost header counts
        below = {delimiter: row if row.start <= min(starts) else first[delimiter] for delimiter, row in below.items()}
    return below


def _below_others(rows: list[_Row]) -> _Row:
    """The header, which is not the first row if that is a title or a comment."""
    for row in rows[1:]:
        if row.known >= _NAMES_OF_A_HEADER and not any(map(begins_with_url, row.cells)):
            return row
    return next((row for row in rows if not _is_comment(row)), rows[0])


def _of_template(rows: list[_Row]) -> _Row:
    """The last of the rows of names that follow the settings."""
    header = rows[0]
    for row in rows[1:]:
        if row.known >= _NAMES_OF_A_HEADER:
            header = row
        elif header is not rows[0]:
            break
    return header


def _is_comment(row: _Row) -> bool:
    first = row.cells[0].strip()
    return first.startswith("#") and first != "#" and row.known == 0


def _rows(text: str, delimiter: str) -> Iterator[_Row]:
    """The first rows that are not blank, without quotes around whole rows. Wrong quotes give wrong cells."""
    lines = list(io.StringIO(text, newline=""))
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
    start = number = line = 0
    try:
        for cells in reader:
            if any(map(str.strip, cells)):
                record = "".join(lines[line : reader.line_num])
                inner = unwrap_row(cells, record, delimiter)
                yield _Row(inner.cells if inner else cells, start, number)
                number += 1
                if number > _MAX_ROWS_ABOVE:
                    return
            start += sum(map(len, lines[line : reader.line_num]))
            line = reader.line_num
    except csv.Error:  # a cell above the limit; it is reported when the header is read
        return


def _of_unknown_names(headers: dict[str, _Row]) -> str:
    """The delimiter that gives the most cells, or the first with which there are only blank rows."""
    blank = next((delimiter for delimiter in DELIMITERS if headers[delimiter] is _NO_ROW), None)
    return blank or max(DELIMITERS, key=lambda delimiter: len(headers[delimiter].cells))


def rows_passed_over(found: FoundHeader) -> Finding:
    """The warning about rows above the header."""
    return Finding(
        f"rows above the header were passed over: {found.rows_above:,}",
        "Check that the header is the row that you mean. The output CSV keeps the rows above it.",
        line=1,
        text=shorten(found.first_above),
        severity="warning",
    )


def _unknown_delimiter(line: str) -> Finding:
    return Finding(
        "the first line names a delimiter that is not supported",
        "Separate the cells with commas, semicolons, tabs or vertical bars.",
        line=1,
        text=shorten(line),
    )


def _other_delimiter(line: str, found: str) -> Finding:
    return Finding(
        f"the first line names a delimiter, but the header is separated by {_NAMES[found]}",
        "Correct or delete the first line.",
        line=1,
        text=shorten(line),
    )
