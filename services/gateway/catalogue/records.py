"""A catalogue's rows as the csv module reads them, and what is wrong with their quotes. Pure, streaming."""

import csv
import re
import sys
from collections.abc import Iterator, Sequence

from services.gateway.catalogue.findings import Finding, Findings, Severity, cut
from services.gateway.catalogue.quotes import find_quote_fault
from services.gateway.catalogue.text import CatalogueText, Unreadable

_QUOTE_ADVICE = "Put double quotes around the cell, and write a quote inside it twice."
_BLANKS_ADVICE = "Delete the blanks behind the closing quote."
_BLANKS_FOLLOW = re.compile(r'"[^"]*+(?:""[^"]*+)*+"[ \t]++(?:[,;|\r\n]|\Z)')
_SHOWN_CHARS = 1000


class Records:
    """The rows with something in them. `row` and `line` are those of the one given last, as in Finding.

    names: the header's cells, as soon as they are known. blank_rows: how many were skipped; first_blank: their first's
    line.
    """

    def __init__(
        self, text: CatalogueText, delimiter: str, cell_chars: int, findings: Findings, *, lines_before: int = 0
    ) -> None:
        # The csv module knows one limit for the process, and an intake may read what another limit let in.
        csv.field_size_limit(sys.maxsize)
        self._text = text
        self._delimiter = delimiter
        self._cell_chars = cell_chars
        self.findings = findings
        self.row = 0
        self.line = 0
        self._lines_before = lines_before
        self.names: Sequence[str] = ()
        self.blank_rows = 0
        self.first_blank = 0

    @property
    def given(self) -> str:
        """The text of the row given last, byte for byte."""
        return "".join(self._text.held)

    def find(
        self,
        problem: str,
        advice: str,
        column: str | None = None,
        text: str | None = None,
        severity: Severity = "error",
    ) -> None:
        """Note something about the row given last."""
        self.findings.add(Finding(problem, advice, self.row, self.line, column, text and cut(text), severity))

    def __iter__(self) -> Iterator[list[str]]:
        # `reader` takes a line more than it gives only where a row is not ended.
        reader = csv.reader(self._text, delimiter=self._delimiter, strict=True, skipinitialspace=True)
        held = self._text.held
        while True:
            held.clear()
            self.row += 1
            self.line = self._lines_before + reader.line_num + 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error:
                if not self._tell_quotes():
                    return
                continue
            except Unreadable as fault:
                self._tell_unreadable(fault, self._lines_before + reader.line_num + 1)
                return
            # Blank rows, which spreadsheets like to leave behind: the first test is quick, the second thorough.
            if any(cells) and any(map(str.strip, cells)):
                if max(map(len, cells)) <= self._cell_chars:
                    yield cells
                else:
                    problem = f"a cell of more than {self._cell_chars:,} characters"
                    self.find(problem, "Shorten it.", text=self.given[:_SHOWN_CHARS])
            else:
                self.first_blank = self.first_blank or self.line
                self.blank_rows += 1

    def _tell_quotes(self, within: str = "") -> bool:
        """Say where the row's quotes are at fault, if they are; whether reading on makes sense."""
        fault = find_quote_fault(self.given, self._delimiter)
        if fault is None or (within and 2 * len(fault.text) < len(self.given)):  # the row is long without it
            return True
        self.line += fault.line
        column = self.names[fault.column] if fault.column < len(self.names) else None
        text = fault.text[:_SHOWN_CHARS]
        if fault.closed:
            advice = _BLANKS_ADVICE if _BLANKS_FOLLOW.match(text) else _QUOTE_ADVICE
            self.find("text follows a cell's closing quote", advice, column, text)
            return True
        problem = f"a quote is opened here and {within or 'never closed'}"
        self.find(problem, f"{_QUOTE_ADVICE} What follows was not checked.", column, text)
        return False

    def _tell_unreadable(self, fault: Unreadable, next_line: int) -> None:
        if fault.place == "file":
            self.findings.add(Finding(fault.problem, fault.advice))
            return
        if fault.place == "row" and not self._tell_quotes(f"not closed within {len(self.given):,} characters"):
            return
        if fault.place == "line":
            self.line = next_line
        self.find(fault.problem, fault.advice, text=fault.text or self.given[:_SHOWN_CHARS] or None)
