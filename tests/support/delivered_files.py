"""Checks each delivered file of a request: report, event and file must agree."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest
from PIL import Image, ImageOps

from tests.support.origin import Origin, image
from tests.support.stack import OUTPUT_COLUMN, StackClient, a_catalogue

EXTENSIONS = {"jpeg": "jpg", "tiff": "tif"}
WITHOUT_QUALITY = {"png", "gif", "bmp"}
_IN_A_ROW = 3
_EVENT_FIELDS = {
    "Action": "action",
    "Format": "format",
    "Quality": "quality",
    "Width In": "original_width",
    "Height In": "original_height",
    "Width Out": "width",
    "Height Out": "height",
    "Bytes In": "bytes_in",
    "Bytes Out": "bytes_out",
    "Saved %": "saved_percent",
    "Encodes": "encodes",
    "Fetch Ms": "fetch_ms",
    "Compress Ms": "compress_ms",
    "Output Image Url": "output_url",
    "Input Image Url": "input_url",
    "Attempts": "attempts",
}


@dataclass(frozen=True)
class Delivered:
    """One image: `original` as its host served it, its row in the report, and `data` as Imagemill serves the result."""

    original: bytes
    line: Mapping[str, str]
    data: bytes
    content_type: str

    @cached_property
    def picture(self) -> Image.Image:
        """The first frame, upright, as a browser shows it (colour profiles aside)."""
        return shown(self.data)

    @property
    def alpha(self) -> bool:
        return bool(self.picture.getchannel("A").getextrema()[0] != 255)

    def number(self, column: str) -> float:
        return float(self.line[column])

    @property
    def size(self) -> tuple[int, int]:
        return int(self.line["Width Out"]), int(self.line["Height Out"])

    def check(self, percent: int | None) -> None:
        """Assert that its figures are correct. `percent` is the target in bytes, or None."""
        line = self.line
        assert line["State"] == "compressed", line
        assert (int(line["Bytes In"]), int(line["Bytes Out"])) == (len(self.original), len(self.data))
        assert len(self.data) <= len(self.original), line
        saved = 100 - 100 * len(self.data) / len(self.original)
        assert self.number("Saved %") == pytest.approx(saved, abs=0.06)
        met = percent is None or 100 * len(self.data) <= percent * len(self.original)
        assert line["Target Met"] == ("yes" if met else "no"), line
        assert line["Action"] == "kept_original" or self.data != self.original, line
        assert 0 < self.number("SSIM") <= 1, line
        assert int(line["Encodes"]) >= 0
        assert int(line["Compress Ms"]) >= 0
        self._check_format(line["Format"])

    def _check_format(self, format_: str) -> None:
        line = self.line
        with Image.open(io.BytesIO(self.data)) as file:
            assert (file.format or "").lower() == format_, line
        assert self.content_type == f"image/{format_}"
        assert line["Output Image Url"].endswith("." + EXTENSIONS.get(format_, format_)), line
        assert self.picture.size == self.size
        assert shown(self.original).size == (int(line["Width In"]), int(line["Height In"]))
        if format_ in WITHOUT_QUALITY or line["Action"] == "kept_original":
            assert line["Quality"] == "", line
        elif line["Quality"]:  # a lossless result has none
            assert 1 <= int(line["Quality"]) <= 95

    def check_event(self, data: Mapping[str, Any]) -> None:
        """Assert that the public event agrees with the report."""
        for column, field in _EVENT_FIELDS.items():
            assert self.line[column] == ("" if data[field] is None else str(data[field])), (column, data)
        assert data["target_met"] == (self.line["Target Met"] == "yes")
        assert f"{data['ssim']:.4f}" == self.line["SSIM"]
        assert data["content_type"] == self.content_type


def shown(data: bytes) -> Image.Image:
    """The first frame of a file, upright as in browsers, in mode RGBA."""
    with Image.open(io.BytesIO(data)) as file:
        file.load()
        turns = file.format != "WEBP"  # browsers ignore the orientation of a WebP
        upright = ImageOps.exif_transpose(file) if turns else file.copy()
    if upright.mode == "I;16":  # Pillow would clip values over 255
        upright = Image.fromarray((np.asarray(upright) >> 8).astype(np.uint8))
    return upright.convert("RGBA")


async def run(
    client: StackClient, origin: Origin, files: Mapping[str, bytes], **options: str
) -> tuple[str, dict[str, Mapping[str, str]]]:
    """Upload a catalogue of `files`, all served as image/jpeg. Returns its id and the report's rows by file.

    Asserts that the output CSV and the report contain the same URLs.
    """
    urls = {origin.serve("/" + quote(name), image(data)): name for name, data in files.items()}
    in_rows = list(urls)
    products = [in_rows[at : at + _IN_A_ROW] for at in range(0, len(in_rows), _IN_A_ROW)]
    request_id = await client.upload(a_catalogue(products), **options)
    status = await client.finished(request_id)
    assert status["status"] == "Completed"
    lines = await client.table(status["report_url"])
    rows = await client.table(status["output_csv_url"])
    slots = [slot for row in rows for slot in row[OUTPUT_COLUMN].split(",")]
    assert slots == [line["Output Image Url"] for line in lines]
    return request_id, {urls[line["Input Image Url"]]: line for line in lines}


async def fetched(
    client: StackClient, files: Mapping[str, bytes], lines: Mapping[str, Mapping[str, str]]
) -> dict[str, Delivered]:
    """The results of the compressed files, by file."""
    got = {}
    for name, line in lines.items():
        if line["State"] == "compressed":
            answer = await client.http.get(line["Output Image Url"])
            assert answer.status_code == 200, line
            got[name] = Delivered(files[name], line, answer.content, answer.headers["content-type"])
    return got


async def compressed(
    client: StackClient, origin: Origin, files: Mapping[str, bytes], **options: str
) -> dict[str, Delivered]:
    """The results of `files`, all of which must be compressed."""
    _, lines = await run(client, origin, files, **options)
    got = await fetched(client, files, lines)
    assert set(got) == set(files), lines
    return got
