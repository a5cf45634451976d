"""failed.csv: the user's own rows that have a failed image, and why. Pure: it writes where it is told.

It has the upload's form and can be uploaded again: the columns that it adds mean nothing to the gateway, and a file
that has them already gets them filled in their places.
"""

from collections.abc import Sequence
from typing import TextIO

from services.aggregator.outputs.catalogue_csv import CatalogueCsv
from services.aggregator.outputs.formula_guard import guard, guard_urls
from shared.catalogue import CatalogueFormat, cell_text, split_record
from shared.contracts.records import Image, Product

COLUMNS = ("Failed Image Urls", "Error Codes", "Error Details")
"""Each cell has an entry for every failed slot of its row, in their order."""

_BETWEEN = " | "


class FailedCsv:
    """Writes rows to `sink`, a text file in the form's encoding, opened with newline=""."""

    def __init__(self, sink: TextIO, catalogue_format: CatalogueFormat, *, guard_formulas: bool) -> None:
        self._csv = CatalogueCsv(sink, catalogue_format, guard_formulas=guard_formulas)
        self._guard_formulas = guard_formulas
        self._columns = _places(catalogue_format)
        self._csv.write(
            catalogue_format.header,
            {index: name for name, index in self._columns.items() if index >= catalogue_format.width},
        )
        self.rows = 0

    def write(self, product: Product, images: Sequence[Image]) -> None:
        """Write the row of `product` if one of its slots' `images` failed."""
        failed = [image for image in images if image.result is None]
        if failed:
            self._csv.write(product.record, dict(zip(self._columns.values(), self._texts(failed), strict=True)))
            self.rows += 1

    def _texts(self, failed: Sequence[Image]) -> tuple[str, str, str]:
        urls = _BETWEEN.join(image.url for image in failed)
        codes = _BETWEEN.join(image.error_code or "" for image in failed)
        details = _BETWEEN.join(image.error_detail or "" for image in failed)
        return (guard_urls(urls), codes, guard(details)) if self._guard_formulas else (urls, codes, details)


def _places(catalogue_format: CatalogueFormat) -> dict[str, int]:
    """Where each of our columns is; those that the upload does not have come behind its last one."""
    cells, _ = split_record(catalogue_format.header, catalogue_format.dialect.delimiter)
    names = [cell_text(cell).strip() for cell in cells]
    missing = [name for name in COLUMNS if name not in names]
    return {
        name: catalogue_format.width + missing.index(name) if name in missing else names.index(name) for name in COLUMNS
    }
