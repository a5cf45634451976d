"""Where a row's quoting went wrong: the csv module only says that it did. Pure."""

import re
from dataclasses import dataclass

_QUOTED = re.compile(r'"[^"]*+(?:""[^"]*+)*+')  # the opening quote and all up to the closing one
_UNQUOTED = {delimiter: re.compile(rf"[^{re.escape(delimiter)}\r\n]*+") for delimiter in ",;\t|"}
_SPACES = re.compile(r" *+")
_LINE_END = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class QuoteFault:
    """`line` and `column` (both from 0, within the row) of the cell whose quotes are at fault.

    closed: its quote is closed, but text follows; otherwise it is never closed.
    """

    line: int
    column: int
    closed: bool
    text: str


def find_quote_fault(row: str, delimiter: str) -> QuoteFault | None:
    """The first cell of `row` with a fault in its quotes, reading it as the csv module does (strict)."""
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
