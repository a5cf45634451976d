"""The output CSV: the catalogue as it was uploaded, with its output URLs. Pure: it writes to a given sink.

A generic catalogue gets an output column, unless it has one. Its cells have one slot for each input URL of the row, in
the same order; an image without a result leaves its slot empty ("url,,url"). In a platform's catalogue the output URLs
replace the input URLs, so that the file can be imported as it is.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TextIO

from services.aggregator.outputs.catalogue_csv import CatalogueCsv
from shared.catalogue import CatalogueFormat, cell_text, split_around
from shared.contracts.records import Product

OUTPUT_COLUMN = "Output Image Urls"

_DEFAULT_SEPARATOR = ","
# Separators that keep an empty slot visible. Spaces do not: two of them would look like one.
_SEPARATOR = re.compile(r"(?<=[^\s,;|])(\s*[,;|]\s*)(?=(?:https?|ftp|s3|gs)://|data:|//)", re.IGNORECASE)


class OutputCsv:
    """Writes the output CSV row by row to `sink`, a text file in the upload's encoding, opened with newline=""."""

    def __init__(self, sink: TextIO, catalogue_format: CatalogueFormat, *, guard_formulas: bool) -> None:
        self._catalogue_format = catalogue_format
        self._column = (
            catalogue_format.width if catalogue_format.output_column is None else catalogue_format.output_column
        )
        self._csv = CatalogueCsv(sink, catalogue_format, guard_formulas=guard_formulas)
        is_appended = not catalogue_format.in_place and catalogue_format.output_column is None
        self._csv.write(catalogue_format.header, {self._column: OUTPUT_COLUMN} if is_appended else {})

    def write(self, product: Product, slots: Sequence[str]) -> None:
        """Write one row of the catalogue. `slots` are its output URLs, "" for an image without a result."""
        if self._catalogue_format.in_place:
            self._csv.write(product.record, dict(self._in_place(product, slots)))
        else:
            self._csv.write(product.record, {self._column: ",".join(slots)})

    def _in_place(self, product: Product, slots: Sequence[str]) -> Iterator[tuple[int, str]]:
        """The new image cells by their indexes. A cell without URLs is not replaced."""
        remaining = iter(slots)
        for column, count in zip(self._catalogue_format.image_columns, product.slots, strict=True):
            if count:
                separator = _DEFAULT_SEPARATOR if count == 1 else self._separator(product.record, column.index)
                yield column.index, separator.join(islice(remaining, count))

    def _separator(self, record: str, index: int) -> str:
        """The separator of the first two URLs in the user's own cell."""
        _, cell, _ = split_around(record, self._catalogue_format.dialect.delimiter, (index,))
        found = _SEPARATOR.search(cell_text(cell))
        return found[1] if found else _DEFAULT_SEPARATOR
