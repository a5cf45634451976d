"""The CSV files of a request, open for writing."""

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Self, TextIO

from services.aggregator.outputs.csv_rules import CsvRules
from services.aggregator.outputs.encoded_file import open_encoded
from services.aggregator.outputs.failed_csv import FailedCsv
from services.aggregator.outputs.output_csv import OutputCsv
from services.aggregator.outputs.report_csv import ReportCsv
from shared.catalogue import CatalogueFormat
from shared.contracts.object_keys import public_url
from shared.contracts.records import Image, Product

ProductImages = tuple[Product, Sequence[Image]]
"""A product and the image of each of its slots."""


class OpenFiles:
    """Output CSV, failed.csv and report.csv in `folder`, and the counts of their rows and slots. Its methods block."""

    def __init__(self, folder: Path, catalogue_format: CatalogueFormat, base_url: str, rules: CsvRules) -> None:
        self.output, self.failed, self.report = (folder / f"{name}.csv" for name in ("output", "failed", "report"))
        self.rows = self.slots = 0
        self._base_url = base_url
        with ExitStack() as opened:

            def sink(path: Path, encoding: str) -> TextIO:
                return opened.enter_context(open_encoded(path, encoding))

            written = rules.format_of(catalogue_format)
            encoding, guard_formulas = written.dialect.encoding, rules.guard_formulas
            report = sink(self.report, rules.report_encoding(catalogue_format))
            self._output = OutputCsv(sink(self.output, encoding), written, guard_formulas=guard_formulas)
            self._failed = FailedCsv(sink(self.failed, encoding), written, guard_formulas=guard_formulas)
            self._report = ReportCsv(report, base_url, guard_formulas=guard_formulas)
            self._opened = opened.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    @property
    def failed_rows(self) -> int:
        """How many rows failed.csv has."""
        return self._failed.rows

    def write(self, products: Iterable[ProductImages]) -> list[tuple[int, list[str]]]:
        """Write the rows of the products to each file. Returns the output URLs by row, one for each slot."""
        outputs = []
        for product, images in products:
            slots = [public_url(self._base_url, image.result.key) if image.result else "" for image in images]
            self._output.write(product, slots)
            self._failed.write(product, images)
            for position, image in enumerate(images, start=1):
                self._report.write(product, position, image)
            self.rows += 1
            self.slots += len(slots)
            outputs.append((product.row, slots))
        return outputs
