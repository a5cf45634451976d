"""libvips and ExifTool see what was put into a file."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tests.oracle import as_png, compare, metadata_of
from tests.zoo import specimen


@pytest.mark.parametrize(
    "kind", ["tiff", "tiff palette", "tiff with alpha", "tiff 16 bit", "tiff CMYK with a profile", "tiff orientation 6"]
)
def test_a_tiff_is_shown_upright_by_its_profile(kind: str) -> None:
    png = as_png(specimen(kind).data)

    assert png
    with Image.open(io.BytesIO(png)) as picture:
        shown = np.asarray(picture.convert("RGBA"))
    difference = compare(np.asarray(specimen(kind).shown.convert("RGBA")), shown)
    assert difference.mean < 0.5
    assert difference.alpha < 0.01


def test_what_is_no_tiff_is_not_shown() -> None:
    assert as_png(b"II*\0" + bytes(20)) is None


def test_metadata_is_found_and_structure_is_not_taken_for_it(tmp_path: Path) -> None:
    text, exif = PngInfo(), Image.Exif()
    text.add_text("Author", "somebody")
    exif[0x8298] = "somebody"
    picture = Image.new("RGB", (8, 8))
    for name, options in (
        ("plain.png", {}),
        ("text.png", {"pnginfo": text}),
        ("plain.jpg", {}),
        ("comment.jpg", {"comment": "somebody"}),
        ("exif.webp", {"exif": exif}),
        ("plain.webp", {}),
        ("plain.avif", {}),
        ("exif.avif", {"exif": exif}),
        ("plain.tif", {"compression": "tiff_lzw"}),
        ("tags.tif", {"tiffinfo": {315: "somebody"}}),
    ):
        picture.save(tmp_path / name, **options)

    found = metadata_of(tmp_path)

    assert {name for name, tags in found.items() if tags} == {
        *("text.png", "comment.jpg", "exif.webp", "exif.avif", "tags.tif")
    }
    assert found["exif.avif"] == ["IFD0:Copyright"]
