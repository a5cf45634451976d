"""How a catalogue is written: with the delimiter under which its header's names mean something. Pure."""

import csv
import io
import re
from typing import NamedTuple

from services.gateway.catalogue.findings import CatalogueRefused, Finding, cut
from services.gateway.catalogue.profiles import is_known, plain

DELIMITERS = ",;\t|"
_SPOKEN = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
HEAD_CHARS = 1 << 16
_PREAMBLE = re.compile(r'[ \t]*"?sep=([^\r\n"]?)"?\1*[^\S\r\n]*(?:\r\n|\r|\n|\Z)', re.IGNORECASE)


class Written(NamedTuple):
    """preamble: the first line, if it names the delimiter (as spreadsheets write it), with its line end; or ""."""

    delimiter: str
    preamble: str


def find_dialect(head: str) -> Written:
    """How the text that begins with `head` is written. Raises CatalogueRefused if it names a delimiter unknown here."""
    if named := _PREAMBLE.match(head):
        if not named[1] or named[1] not in DELIMITERS:
            raise CatalogueRefused((_unknown_delimiter(named[0]),))
        head = head[named.end() :]
    known = {delimiter: _known_names(head, delimiter) for delimiter in DELIMITERS}
    best = max(DELIMITERS, key=known.__getitem__)  # the first of the best
    if named:
        if known[best] > 0 == known[named[1]]:
            raise CatalogueRefused((_other_delimiter(named[0], best),))
        return Written(named[1], named[0])
    if known[best]:
        return Written(best, "")
    rows = {delimiter: first_row(head, delimiter) for delimiter in DELIMITERS}
    blank = next((delimiter for delimiter in DELIMITERS if not rows[delimiter]), None)
    return Written(blank or max(DELIMITERS, key=lambda delimiter: len(rows[delimiter])), "")


def first_row(text: str, delimiter: str) -> list[str]:
    """The first row with something in it. Only as good as its quotes are."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    try:
        for cells in reader:
            if any(map(str.strip, cells)):
                return cells
    except csv.Error:  # a cell beyond the limit: said when the header is read
        pass
    return []


def _known_names(head: str, delimiter: str) -> int:
    cells = first_row(head, delimiter)
    if len(cells) == 1 and delimiter in cells[0]:  # the whole line is quoted
        cells = first_row(cells[0], delimiter)
    return sum(is_known(plain(cell)) for cell in cells)


def _other_delimiter(line: str, found: str) -> Finding:
    return Finding(
        f"the first line names a delimiter, but the header is separated by {_SPOKEN[found]}",
        "Correct the first line, or delete it.",
        line=1,
        text=cut(line),
    )


def _unknown_delimiter(line: str) -> Finding:
    return Finding(
        "the first line names a delimiter that is not known here",
        "Separate the cells by commas, semicolons, tabs or vertical bars.",
        line=1,
        text=cut(line),
    )
