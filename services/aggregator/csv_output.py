"""The output CSV: the catalogue as it was uploaded, and its output URLs. Pure: it writes where it is told.

A row's output cell has one slot for each of its input URLs, in their order; an image that failed leaves its slot empty
("url,,url").
"""

from collections.abc import Sequence
from typing import TextIO

from services.aggregator.formula_guard import guard
from shared.catalogue.form import CatalogueForm
from shared.catalogue.record import cell_text, join_record, raw_cell, split_record
from shared.contracts.records import Product

OUTPUT_COLUMN = "Output Image Urls"


class OutputCsv:
    """Writes the output CSV row by row to `sink`, a text file that was opened with newline=""."""

    def __init__(self, sink: TextIO, form: CatalogueForm, *, guard_formulas: bool) -> None:
        self._sink = sink
        self._form = form
        self._guard_formulas = guard_formulas
        self._write(form.header, OUTPUT_COLUMN)

    def write(self, product: Product, slots: Sequence[str]) -> None:
        """Write one row of the catalogue; `slots` are its output URLs, "" for an image that failed."""
        self._write(product.record, ",".join(slots))

    def _write(self, record: str, output: str) -> None:
        delimiter = self._form.dialect.delimiter
        cells, line_end = split_record(record, delimiter)
        if self._guard_formulas:
            cells = [self._guarded(cell) for cell in cells]
        cells.append(raw_cell(output, delimiter))
        self._sink.write(join_record(cells, delimiter, line_end))

    def _guarded(self, raw: str) -> str:
        text = cell_text(raw)
        guarded = guard(text)
        return raw if guarded == text else raw_cell(guarded, self._form.dialect.delimiter)
