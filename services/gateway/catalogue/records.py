"""Reads a catalogue's rows with the csv module and reports rows with wrong quotes. Pure, streaming."""

import csv
import re
import sys
from collections.abc import Iterable, Iterator, Sequence

from services.gateway.catalogue.findings import Finding, Findings, Severity, shorten
from services.gateway.catalogue.quotes import find_quote_fault
from services.gateway.catalogue.text import CatalogueText, Unreadable, count_lines
from shared.catalogue import Dialect, join_record, raw_cell, split_record

_QUOTE_ADVICE = "Put double quotes around the cell, and double each quote inside it."
_BLANKS_ADVICE = "Delete the blanks after the closing quote."
_BLANKS_FOLLOW = re.compile(r'"[^"]*+(?:""[^"]*+)*+"[ \t]++(?:[,;|\r\n]|\Z)')
_MAX_SHOWN_CHARS = 1000
_AFTER_QUOTE = "text follows a cell's closing quote"
_OPENED = "a quote is opened here and "
_BACKSLASHES = re.compile(r'\\\\|\\(?!")')
"""Those that escape no quote."""


def may_have_backslash_quotes(findings: Iterable[Finding]) -> bool:
    """Whether the findings of a refused file may be due to quotes that are escaped by backslashes."""
    return any(
        finding.problem.startswith((_AFTER_QUOTE, _OPENED)) or '\\"' in (finding.text or "") for finding in findings
    )


class Records:
    """Iterates over the rows that are not blank.

    row, line: place of the current row, as in Finding. names: the header's cells, once they are known.
    blank_rows: how many were skipped. first_blank: line of the first one.
    """

    def __init__(self, text: CatalogueText, dialect: Dialect, cell_chars: int, findings: Findings) -> None:
        """`text`: what follows the dialect's preamble."""
        # The csv module has one limit per process; an intake may read cells above the limit of an inspection.
        csv.field_size_limit(sys.maxsize)
        self._text = text
        self._delimiter = dialect.delimiter
        self._backslash_quotes = dialect.backslash_quotes
        self._cell_chars = cell_chars
        self.findings = findings
        self.row = 0
        self.line = 0
        self._lines_before = count_lines(dialect.preamble)
        self.names: Sequence[str] = ()
        self.blank_rows = 0
        self.first_blank = 0

    @property
    def record(self) -> str:
        """The current row's text; unchanged, unless it has quotes after backslashes."""
        return "".join(self._text.row_lines)

    def add_finding(
        self,
        problem: str,
        advice: str,
        column: str | None = None,
        text: str | None = None,
        severity: Severity = "error",
    ) -> None:
        """Add a finding about the current row."""
        self.findings.add(Finding(problem, advice, self.row, self.line, column, text and shorten(text), severity))

    def __iter__(self) -> Iterator[list[str]]:
        # The reader takes one line per row, and more only if a row does not end with the line.
        lines = map(_without_other_escapes, self._text) if self._backslash_quotes else self._text
        reader = csv.reader(
            lines,
            delimiter=self._delimiter,
            strict=True,
            skipinitialspace=True,
            escapechar="\\" if self._backslash_quotes else None,
        )
        row_lines = self._text.row_lines
        while True:
            row_lines.clear()
            self.row += 1
            self.line = self._lines_before + reader.line_num + 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error:
                if not self._report_quotes():
                    return
                continue
            except Unreadable as fault:
                self._report_unreadable(fault, self._lines_before + reader.line_num + 1)
                return
            # Skip the blank rows that spreadsheets leave behind. The first test is quick, the second thorough.
            if any(cells) and any(map(str.strip, cells)):
                if max(map(len, cells)) <= self._cell_chars:
                    if self._backslash_quotes and '\\"' in self.record:
                        row_lines[:] = [self._with_doubled_quotes(cells)]
                    yield cells
                else:
                    problem = f"a cell of more than {self._cell_chars:,} characters"
                    self.add_finding(problem, "Shorten it.", text=self.record[:_MAX_SHOWN_CHARS])
            else:
                self.first_blank = self.first_blank or self.line
                self.blank_rows += 1

    def _with_doubled_quotes(self, cells: Sequence[str]) -> str:
        _, line_end = split_record(self._text.row_lines[-1], self._delimiter)
        return join_record([raw_cell(cell, self._delimiter) for cell in cells], self._delimiter, line_end)

    def _report_quotes(self, open_until: str = "") -> bool:
        """Report the cell with wrong quotes, if there is one. Returns whether the next row can be read."""
        if self._backslash_quotes:
            self.add_finding(_AFTER_QUOTE, _QUOTE_ADVICE, text=self.record[:_MAX_SHOWN_CHARS])
            return False
        fault = find_quote_fault(self.record, self._delimiter)
        if fault is None or (open_until and 2 * len(fault.text) < len(self.record)):  # the row is too long without it
            return True
        self.line += fault.line
        column = self.names[fault.column] if fault.column < len(self.names) else None
        text = fault.text[:_MAX_SHOWN_CHARS]
        if fault.closed:
            advice = _BLANKS_ADVICE if _BLANKS_FOLLOW.match(text) else _QUOTE_ADVICE
            self.add_finding(_AFTER_QUOTE, advice, column, text)
            return True
        problem = f"{_OPENED}{open_until or 'never closed'}"
        self.add_finding(problem, f"{_QUOTE_ADVICE} The rest of the file was not checked.", column, text)
        return False

    def _report_unreadable(self, fault: Unreadable, next_line: int) -> None:
        if fault.place == "file":
            self.findings.add(Finding(fault.problem, fault.advice))
            return
        if fault.place == "row" and not self._report_quotes(f"not closed within {len(self.record):,} characters"):
            return
        if fault.place == "line":
            self.line = next_line
        self.add_finding(fault.problem, fault.advice, text=fault.text or self.record[:_MAX_SHOWN_CHARS] or None)


def _without_other_escapes(line: str) -> str:
    """The line with all backslashes doubled that escape no quote, as the csv module then keeps them."""
    return _BACKSLASHES.sub(_doubled, line) if "\\" in line else line


def _doubled(found: re.Match[str]) -> str:
    return found[0] * 2
