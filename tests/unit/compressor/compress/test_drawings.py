"""Drawings of few colours keep their colours when they are scaled down to fit."""

from typing import Any

import numpy as np
import pytest
from PIL import Image

from services.compressor.compress import Compressed, compress
from services.compressor.decoders import open_picture
from shared.contracts.messages import CompressOptions
from tests.support.compressing import GREY_PROFILE, MAX_PIXELS, WIDE_PROFILE, decoded
from tests.support.drawings import halftone, line_art, poster
from tests.zoo.specimen import saved

SAVE: dict[str, dict[str, Any]] = {
    "PNG": {"optimize": True},
    "GIF": {},
    "BMP": {},
    "TIFF": {"compression": "group4"},
}
LEAST_WIDTH = {"PNG": 0.5, "GIF": 0.5, "BMP": 0.6, "TIFF": 0.35}
"""Of the original. Two colours as group 4 shrink more slowly than their pixels."""


def compressed(original: bytes, **options: Any) -> Compressed:
    return compress(original, CompressOptions(**options), MAX_PIXELS)


def colours_of(image: Image.Image) -> set[object]:
    return {colour for _, colour in image.convert("RGBA").getcolors(1 << 20) or ()}


@pytest.mark.parametrize("file_format", SAVE)
@pytest.mark.parametrize(("ink", "paper"), [(0, 255), (255, 0)])
def test_two_colours_stay_two_at_a_large_size(file_format: str, ink: int, paper: int) -> None:
    drawing = line_art(ink, paper)
    original = saved(drawing, file_format, **SAVE[file_format])

    result = compressed(original)

    assert result.data is not None
    assert result.target_met
    assert result.width >= LEAST_WIDTH[file_format] * drawing.width
    assert colours_of(decoded(result.data)) == colours_of(drawing)
    assert result.quality is None


@pytest.mark.parametrize("file_format", ["PNG", "GIF", "TIFF"])
def test_few_colours_stay_the_same(file_format: str) -> None:
    drawing = poster()
    save = {"compression": "tiff_adobe_deflate"} if file_format == "TIFF" else SAVE[file_format]
    original = saved(drawing, file_format, **save)

    result = compressed(original)

    assert result.data is not None
    assert result.target_met
    assert result.width >= 0.4 * drawing.width
    assert colours_of(decoded(result.data)) <= colours_of(drawing)


@pytest.mark.parametrize("file_format", ["PNG", "GIF"])
def test_transparency_stays(file_format: str) -> None:
    drawing = poster()
    original = saved(drawing, file_format, transparency=0, **SAVE[file_format])

    result = compressed(original)

    assert result.data is not None
    shown = decoded(result.data).convert("RGBA")
    assert shown.size != drawing.size
    assert {colour[3] for colour in colours_of(shown)} == {0, 255}  # type: ignore[index]
    assert len(colours_of(shown)) <= 4


@pytest.mark.parametrize(("mode", "profile"), [("L", GREY_PROFILE), ("RGB", WIDE_PROFILE)])
@pytest.mark.parametrize("file_format", ["PNG", "TIFF"])
def test_profiles_stay_valid(file_format: str, mode: str, profile: bytes) -> None:
    drawing = line_art().convert(mode)
    save = {"compression": "tiff_adobe_deflate"} if file_format == "TIFF" else {"optimize": True}
    original = saved(drawing, file_format, icc_profile=profile, **save)

    result = compressed(original, percent=40)

    assert result.data is not None
    picture = open_picture(result.data, MAX_PIXELS)
    assert picture.icc_profile == profile
    assert colours_of(picture.image) <= colours_of(drawing)


def test_where_greys_fit_they_are_used() -> None:
    original = saved(line_art(), "PNG", compress_level=0)

    result = compressed(original, max_width=200)

    assert result.data is not None
    assert len(colours_of(decoded(result.data))) > 20


@pytest.mark.parametrize("file_format", ["PNG", "GIF"])
def test_a_dithered_picture_becomes_shades(file_format: str) -> None:
    original = saved(halftone(), file_format, **SAVE[file_format])

    result = compressed(original)

    assert result.data is not None
    assert result.target_met
    shown = np.asarray(decoded(result.data).convert("L")).astype(int)
    wanted = np.asarray(halftone().convert("L").resize((result.width, result.height))).astype(int)
    assert np.abs(shown - wanted).mean() < 8
