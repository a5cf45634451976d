"""The report CSV: a line for every slot of the catalogue, and what became of it. Pure: it writes where it is told."""

import csv
from typing import TextIO

from services.aggregator.formula_guard import guard
from shared.contracts.object_keys import public_url
from shared.contracts.records import Image, Product

COLUMNS = (
    "Serial Number",
    "Product Name",
    "Position",
    "Input Image Url",
    "Output Image Url",
    "State",
    "Error Code",
    "Error Detail",
    "Action",
    "Format",
    "Quality",
    "Bytes In",
    "Bytes Out",
    "Saved %",
    "Target Met",
    "Attempts",
)


class ReportCsv:
    """Writes the report slot by slot to `sink`, a text file that was opened with newline=""."""

    def __init__(self, sink: TextIO, public_base_url: str, *, guard_formulas: bool) -> None:
        self._rows = csv.writer(sink)
        self._base_url = public_base_url
        self._text = guard if guard_formulas else str
        self._rows.writerow(COLUMNS)

    def write(self, product: Product, position: int, image: Image) -> None:
        """Write the line of one slot: the image at `position` (from 1) of the product's list."""
        self._rows.writerow(
            [
                self._text(product.serial_number),
                self._text(product.product_name),
                position,
                self._text(image.url),
                *self._outcome(image),
                image.attempts,
            ]
        )

    def _outcome(self, image: Image) -> list[str | int]:
        result = image.result
        if result is None:
            detail = self._text(image.error_detail or "")
            return ["", image.state, image.error_code or "", detail, "", "", "", "", "", "", ""]
        return [
            public_url(self._base_url, result.key),
            image.state,
            "",
            "",
            result.action,
            result.format,
            "" if result.quality is None else result.quality,
            result.bytes_in,
            result.bytes_out,
            _saved(result.bytes_in, result.bytes_out),
            "yes" if result.target_met else "no",
        ]


def _saved(bytes_in: int, bytes_out: int) -> str:
    """Per cent of the original's bytes that are no longer there."""
    return f"{100 * (1 - bytes_out / bytes_in):.1f}" if bytes_in else ""
