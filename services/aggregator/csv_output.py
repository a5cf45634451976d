"""The output CSV: the catalogue as it was uploaded, and a column of output URLs. Pure: it writes where it is told.

UTF-8, commas and CRLF, as RFC 4180 has it. A row's output cell has one slot for each of its input URLs, in their
order; an image that failed leaves its slot empty ("url,,url").
"""

import csv
import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import TextIO

from services.aggregator.formula_guard import guard

OUTPUT_COLUMN = "Output Image Urls"


class OutputCsv:
    """Writes the output CSV row by row to `sink`, a text file that was opened with newline=""."""

    def __init__(self, sink: TextIO, header: Sequence[str], *, guard_formulas: bool) -> None:
        self._rows = csv.writer(sink)
        self._guard_formulas = guard_formulas
        self._width = len(header)
        self._column = _output_column(header)
        self._in_place = self._column < self._width
        self._write(header, header[self._column] if self._in_place else OUTPUT_COLUMN)

    def write(self, cells: Sequence[str], slots: Iterable[str]) -> None:
        """Write one row of the catalogue; `slots` are its output URLs, "" for an image that failed.

        A row shorter than the header is filled up, so that the columns stay in line.
        """
        self._write([*cells, *[""] * (self._width - len(cells))], ",".join(slots))

    def _write(self, cells: Sequence[str], output: str) -> None:
        before, after = cells[: self._column], cells[self._column + self._in_place :]
        self._rows.writerow([*self._guarded(before), output, *self._guarded(after)])

    def _guarded(self, cells: Iterable[str]) -> Iterable[str]:
        return map(guard, cells) if self._guard_formulas else cells


def _output_column(header: Sequence[str]) -> int:
    """Where the output URLs go: the column the catalogue already has for them, else behind its last one."""
    wanted = _plain(OUTPUT_COLUMN)
    return next((index for index, name in enumerate(header) if _plain(name) == wanted), len(header))


def _plain(name: str) -> str:
    """A column's name without case, spaces and punctuation: "Output_Image_URLs" is "outputImageUrls"."""
    return re.sub(r"[^a-z0-9]", "", unicodedata.normalize("NFKC", name).lower())
