"""failed.csv: the user's own rows that have a failed or cancelled image, with the errors. Pure: it writes to a sink.

It has the upload's format and can be uploaded again. The gateway ignores the columns that it adds; if the upload has
them already, they are filled in place.
"""

from collections.abc import Sequence
from typing import TextIO

from services.aggregator.outputs.catalogue_csv import CatalogueCsv
from services.aggregator.outputs.formula_guard import guard, guard_urls
from shared.catalogue import CatalogueFormat, cell_text, split_record
from shared.contracts.records import Image, Product

COLUMNS = ("Failed Image Urls", "Error Codes", "Error Details")
"""Each cell has one entry for each slot of its row without a result, in the order of the slots."""

_SEPARATOR = " | "


class FailedCsv:
    """Writes rows to `sink`, a text file in the upload's encoding, opened with newline=""."""

    def __init__(self, sink: TextIO, catalogue_format: CatalogueFormat, *, guard_formulas: bool) -> None:
        self._csv = CatalogueCsv(sink, catalogue_format, guard_formulas=guard_formulas)
        self._guard_formulas = guard_formulas
        self._columns = _column_indexes(catalogue_format)
        self._csv.write(
            catalogue_format.header,
            {index: name for name, index in self._columns.items() if index >= catalogue_format.width},
        )
        self.rows = 0

    def write(self, product: Product, images: Sequence[Image]) -> None:
        """Write the row of `product` if one of the `images` in its slots failed or was cancelled."""
        failed = [image for image in images if image.result is None]
        if failed:
            self._csv.write(product.record, dict(zip(self._columns.values(), self._texts(failed), strict=True)))
            self.rows += 1

    def _texts(self, failed: Sequence[Image]) -> tuple[str, str, str]:
        urls = _SEPARATOR.join(image.url for image in failed)
        codes = _SEPARATOR.join(image.error_code or "" for image in failed)
        details = _SEPARATOR.join(image.error_detail or "" for image in failed)
        return (guard_urls(urls), codes, guard(details)) if self._guard_formulas else (urls, codes, details)


def _column_indexes(catalogue_format: CatalogueFormat) -> dict[str, int]:
    """The index of each of our columns. Those that the upload lacks follow its last column."""
    cells, _ = split_record(catalogue_format.header, catalogue_format.dialect.delimiter)
    names = [cell_text(cell).strip() for cell in cells]
    missing = [name for name in COLUMNS if name not in names]
    return {
        name: catalogue_format.width + missing.index(name) if name in missing else names.index(name) for name in COLUMNS
    }
