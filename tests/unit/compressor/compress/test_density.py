"""The pixels per inch of the printed picture: kept with `keep` in every format that stores them, else removed."""

import io
from typing import Any

import pytest
from PIL import Image
from PIL.TiffImagePlugin import X_RESOLUTION, TiffImageFile

from services.compressor import rendition
from services.compressor.compress import compress
from services.compressor.decoders import Picture
from services.compressor.encoders import LADDERS
from services.compressor.rate_control import Ladder
from shared.contracts.messages import CompressOptions, MetadataPolicy
from tests.support.compressing import MAX_PIXELS, ORIENTATION, a_picture, decoded, encoded
from tests.zoo import specimen
from tests.zoo.specimen import saved

KINDS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "JPEG": ("JPEG", "RGB", {}),
    "PNG": ("PNG", "RGB", {}),
    "PNG of few colours": ("PNG", "P", {}),
    "TIFF, lossless": ("TIFF", "P", {"compression": "raw"}),
    "TIFF, lossy": ("TIFF", "RGB", {"compression": "raw"}),
    "BMP": ("BMP", "RGB", {}),
    "BMP of few colours": ("BMP", "P", {}),
}
EVERY_KIND = pytest.mark.parametrize("kind", KINDS)


def an_original(kind: str, dpi: tuple[float, float] = (300, 200)) -> bytes:
    file_format, mode, save = KINDS[kind]
    out = io.BytesIO()
    a_picture(mode).save(out, file_format, dpi=dpi, **save)
    return out.getvalue()


def density_in(data: bytes) -> tuple[int, int] | None:
    """None also for a JFIF segment without a unit."""
    image = decoded(data)
    if image.format == "JPEG" and not image.info["jfif_unit"]:
        return None
    if isinstance(image, TiffImageFile) and X_RESOLUTION not in image.tag_v2:  # Pillow would say 1
        return None
    dpi = image.info.get("dpi")
    return (round(dpi[0]), round(dpi[1])) if dpi else None


def result_of(original: bytes, **options: Any) -> bytes:
    result = compress(original, CompressOptions(**options), MAX_PIXELS)
    return original if result.data is None else result.data


@EVERY_KIND
def test_keep_keeps_the_density(kind: str) -> None:
    original = an_original(kind)
    assert density_in(original) == (300, 200)

    for mode in ("size", "quality", "dimensions"):
        data = result_of(original, metadata="keep", mode=mode, percent=60)
        assert density_in(data) == (300, 200)


@EVERY_KIND
@pytest.mark.parametrize("policy", ["strip", "copyright"])
def test_the_other_policies_remove_it(kind: str, policy: MetadataPolicy) -> None:
    assert density_in(result_of(an_original(kind), metadata=policy, percent=60)) is None


@EVERY_KIND
def test_a_kept_original_has_none_unless_metadata_is_kept(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def useless(_picture: Picture, original_bytes: int) -> Ladder:
        return Ladder((50,), lambda _rung: bytes(original_bytes + 1), lambda _limit: [1e9], lambda _quality: 50)

    monkeypatch.setattr(rendition, "LADDERS", dict.fromkeys(LADDERS, useless))

    assert density_in(result_of(an_original(kind), metadata="strip", mode="quality")) is None
    assert density_in(result_of(an_original(kind), metadata="keep", mode="quality")) == (300, 200)


@pytest.mark.parametrize(("before", "after"), [("PNG", "jpeg"), ("BMP", "jpeg"), ("TIFF, lossy", "jpeg")])
def test_the_density_is_kept_when_the_format_changes(before: str, after: str) -> None:
    assert density_in(result_of(an_original(before), metadata="keep", format=after)) == (300, 200)


@pytest.mark.parametrize("file_format", ["JPEG", "PNG"])
def test_the_density_of_a_picture_that_is_turned_is_turned_too(file_format: str) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    original = encoded(a_picture(), file_format, dpi=(300, 200), exif=exif)

    assert density_in(result_of(original, metadata="keep", percent=90)) == (200, 300)


def test_a_jpeg_that_only_loses_its_trailing_data_keeps_its_density() -> None:
    original = encoded(a_picture(), "JPEG", dpi=(300, 200))

    result = compress(original + original, CompressOptions(metadata="keep"), MAX_PIXELS)

    assert result.encodes == 0
    assert result.data == original


def test_a_tiff_without_a_density_gets_none() -> None:
    original = saved(a_picture(), "TIFF")

    assert density_in(result_of(original, metadata="keep", percent=90)) is None


def test_densities_per_centimetre_are_converted() -> None:
    original = encoded(a_picture(), "JPEG")
    per_centimetre = original[:13] + b"\x02\0\x64\0\x32" + original[18:]

    assert density_in(result_of(per_centimetre, metadata="keep")) == (254, 127)


@pytest.mark.parametrize("dpi", [(0, 0), (1e9, 1e9)])
@pytest.mark.parametrize("kind", ["PNG", "TIFF, lossy"])
def test_a_density_that_makes_no_sense_harms_nothing(kind: str, dpi: tuple[float, float]) -> None:
    original = an_original(kind, (1, 1)) if dpi[0] else an_original(kind, dpi)

    for format_ in ("keep", "jpeg", "webp"):
        assert result_of(original, metadata="keep", format=format_)


def test_a_bmp_that_pillow_does_not_read_keeps_its_density() -> None:
    plain = specimen("bmp 565 in a header of 52 bytes").data
    original = plain[:38] + (11811).to_bytes(4, "little") * 2 + plain[46:]

    assert density_in(result_of(original, metadata="keep", percent=95)) == (300, 300)
