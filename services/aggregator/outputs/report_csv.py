"""report.csv: one line for each slot of the catalogue, with what happened to its image. Pure: it writes to a sink."""

import csv
from collections.abc import Mapping
from typing import Any, TextIO

from services.aggregator.outputs.formula_guard import guard
from shared.contracts.error_codes import ERROR_GUIDES
from shared.contracts.messages import ImageResult
from shared.contracts.object_keys import public_url
from shared.contracts.records import Image, Product, saved_percent

COLUMNS: Mapping[str, str] = {
    "Serial Number": "The product's serial number.",
    "Product Name": "The product's name.",
    "Position": "The slot's position in the product's list, from 1.",
    "Input Image Url": "The URL in the slot.",
    "Output Image Url": "URL of the result; empty for a failed or cancelled image.",
    "State": "`compressed`, `failed` or `cancelled`.",
    "Error Code": "[Why there is no result](errors.md), from a closed list.",
    "Error Detail": "The same in more detail, for people.",
    "Action": "`compressed`, or `kept_original` if nothing smaller could be made: only metadata was removed.",
    "Format": "Format of the result.",
    "Quality": "The encoder's quality; empty if the format has none or the original was kept.",
    "Width In": "Width of the original in pixels, as a viewer shows it.",
    "Height In": "Height of the original in pixels, as a viewer shows it.",
    "Width Out": "Width of the result in pixels.",
    "Height Out": "Height of the result in pixels.",
    "Bytes In": "Size of the original.",
    "Bytes Out": "Size of the result.",
    "Saved %": "Share of the original's bytes that was saved, to one decimal place.",
    "Target Met": "In mode `size`, `yes` if the result has at most the requested percentage of the original's bytes,"
    " else `no`; in the other modes always `yes`.",
    "SSIM": "Similarity of the result to its original, 1 if identical; empty if not measured (`COMPRESS_SSIM`).",
    "Lost": "`hdr` if the result is tone-mapped, `gain_map` if a gain map (Ultra HDR) was dropped, else empty.",
    "Encodes": "Number of full encodings that the result took.",
    "Fetch Ms": "Duration of the download in milliseconds.",
    "Compress Ms": "Duration of the compression in milliseconds.",
    "Attempts": "Number of attempts in the image's last round.",
    "Reused": "`unchanged` or `same_bytes` if the result was [copied](events.md#envelope-and-data), else empty.",
    "Retryable": "Of an image without a result: `yes` if a retry may succeed without any correction.",
    "Owner": "Of an image without a result: who has to act, `csv`, `host`, `client` or `us`.",
    "Advice": "Of an image without a result: what to do.",
}
"""Each column's name and, in Markdown, its meaning; docs/output.md is generated from it."""


class ReportCsv:
    """Writes the report slot by slot to `sink`, a text file that was opened with newline=""."""

    def __init__(self, sink: TextIO, public_base_url: str, *, guard_formulas: bool) -> None:
        self._lines = csv.DictWriter(sink, COLUMNS)  # a missing value and None give an empty cell
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
            "Saved %": saved_percent(result.bytes_in, result.bytes_out),
            "Target Met": "yes" if result.target_met else "no",
            "SSIM": None if result.ssim is None else f"{result.ssim:.4f}",
            "Lost": result.lost,
            "Encodes": result.encodes,
            "Fetch Ms": result.fetch_ms,
            "Compress Ms": result.compress_ms,
            "Reused": result.reused,
        }
