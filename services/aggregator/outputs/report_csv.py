"""The report CSV: a line for every slot of the catalogue, and what became of it. Pure: it writes where it is told."""

import csv
from typing import Any, TextIO

from services.aggregator.outputs.formula_guard import guard
from shared.contracts.error_codes import ERROR_GUIDES
from shared.contracts.messages import ImageResult
from shared.contracts.object_keys import public_url
from shared.contracts.records import Image, Product, saved_percent

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
    "Width In",
    "Height In",
    "Width Out",
    "Height Out",
    "Bytes In",
    "Bytes Out",
    "Saved %",
    "Target Met",
    "SSIM",
    "Encodes",
    "Fetch Ms",
    "Compress Ms",
    "Attempts",
    "Reused",
    "Retryable",
    "Owner",
    "Advice",
)


class ReportCsv:
    """Writes the report slot by slot to `sink`, a text file that was opened with newline=""."""

    def __init__(self, sink: TextIO, public_base_url: str, *, guard_formulas: bool) -> None:
        self._lines = csv.DictWriter(sink, COLUMNS)  # what a line does not have is empty, as is None
        self._base_url = public_base_url
        self._text = guard if guard_formulas else str
        self._lines.writeheader()

    def write(self, product: Product, position: int, image: Image) -> None:
        """Write the line of one slot: the image at `position` (from 1) of the product's list."""
        slot = {
            "Serial Number": self._text(product.serial_number),
            "Product Name": self._text(product.product_name),
            "Position": position,
            "Input Image Url": self._text(image.url),
            "State": image.state,
            "Attempts": image.attempts,
        }
        self._lines.writerow(slot | (self._failure(image) if image.result is None else self._figures(image.result)))

    def _failure(self, image: Image) -> dict[str, Any]:
        failure = {"Error Code": image.error_code, "Error Detail": self._text(image.error_detail or "")}
        if image.error_code is None:
            return failure
        guide = ERROR_GUIDES[image.error_code]
        retryable = "yes" if guide.retryable else "no"
        return failure | {"Retryable": retryable, "Owner": guide.owner, "Advice": guide.advice}

    def _figures(self, result: ImageResult) -> dict[str, Any]:
        return {
            "Output Image Url": public_url(self._base_url, result.key),
            "Action": result.action,
            "Format": result.format,
            "Quality": result.quality,
            "Width In": result.original_width,
            "Height In": result.original_height,
            "Width Out": result.width,
            "Height Out": result.height,
            "Bytes In": result.bytes_in,
            "Bytes Out": result.bytes_out,
            "Saved %": saved_percent(result),
            "Target Met": "yes" if result.target_met else "no",
            "SSIM": None if result.ssim is None else f"{result.ssim:.4f}",
            "Encodes": result.encodes,
            "Fetch Ms": result.fetch_ms,
            "Compress Ms": result.compress_ms,
            "Reused": result.reused,
        }
