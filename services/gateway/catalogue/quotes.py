"""Finds where a row's quoting is wrong; the csv module only says that it is. Pure."""

import re
from dataclasses import dataclass

_QUOTED = re.compile(r'"[^"]*+(?:""[^"]*+)*+')  # the opening quote and everything up to the closing one
_UNQUOTED = {delimiter: re.compile(rf"[^{re.escape(delimiter)}\r\n]*+") for delimiter in ",;\t|"}
_SPACES = re.compile(r" *+")
_LINE_END = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class QuoteFault:
    """The cell with the wrong quotes. line and column: its place within the row, from 0. text: from the cell on.

    closed: the quote is closed but text follows it; otherwise it is never closed.
    """

    line: int
    column: int
    closed: bool
    text: str


def find_quote_fault(row: str, delimiter: str) -> QuoteFault | None:
    """The first cell of `row` with wrong quotes, by the rules of the csv module with `strict`."""
    position, column = 0, 0
    while True:
        start = _match_end(_SPACES, row, position)
        if not row.startswith('"', start):
            end = _match_end(_UNQUOTED[delimiter], row, start)
        else:
            closing = _match_end(_QUOTED, row, start)
            end = closing + 1
            if closing == len(row) or row[end : end + 1] not in {delimiter, "\r", "\n", ""}:
                line = len(_LINE_END.findall(row, 0, start))
                return QuoteFault(line, column, closed=closing < len(row), text=row[start:])
        if not row.startswith(delimiter, end):
            return None
        position, column = end + 1, column + 1


def _match_end(pattern: re.Pattern[str], text: str, position: int) -> int:
    match = pattern.match(text, position)
    return match.end() if match else position
