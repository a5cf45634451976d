"""A JPEG loses its metadata and keeps its pixels."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from services.compressor.compress import compress
from services.compressor.decoders import START_OF_SCAN, iter_jpeg_segments, open_picture
from services.compressor.encoders.jpeg.strip_metadata import strip_jpeg_metadata
from shared.contracts.messages import CompressOptions
from tests.support.compressing import MAX_PIXELS, SRGB, WIDE_PROFILE, a_picture, decoded, encoded
from tests.unit.compressor.decoders.test_metadata import XMP, an_exif
from tests.zoo import NAMES, specimen

COMMENT, EXIF_OR_XMP, PHOTOSHOP, ADOBE, PROFILE, FURTHER = 0xFE, 0xE1, 0xED, 0xEE, 0xE2, 0xE4


def stripped(original: bytes, **options: Any) -> bytes | None:
    return strip_jpeg_metadata(original, open_picture(original, MAX_PIXELS, **options))


def markers(jpeg: bytes) -> list[int]:
    return [marker for marker, _, _ in iter_jpeg_segments(jpeg)]


def scan_of(jpeg: bytes) -> bytes:
    """From the first scan header to the end of the last scan."""
    start = next(start for marker, start, _ in iter_jpeg_segments(jpeg) if marker == START_OF_SCAN)
    return jpeg[start : jpeg.index(b"\xff\xd9", start)]


def an_original(**save: Any) -> bytes:
    exif = an_exif()
    exif[0x0112] = 1
    noted = encoded(a_picture(), "JPEG", exif=exif, comment="secret", xmp=XMP, **save)
    photoshop = b"\xff\xed\0\x14Photoshop 3.0\0abcd"
    return noted[:2] + photoshop + b"\xff\xe4\0\x06ABCD" + noted[2:]


@pytest.mark.parametrize("save", [{}, {"progressive": True}, {"restart_marker_rows": 1}, {"keep_rgb": True}])
def test_only_segments_that_the_pixels_need_remain(save: dict[str, Any]) -> None:
    original = an_original(**save)
    assert {COMMENT, EXIF_OR_XMP, PHOTOSHOP, FURTHER} <= set(markers(original))

    data = stripped(original)

    assert data is not None
    assert not {COMMENT, EXIF_OR_XMP, PHOTOSHOP, FURTHER} & set(markers(data))
    assert scan_of(data) == scan_of(original)
    assert np.array_equal(np.asarray(decoded(data)), np.asarray(decoded(original)))
    for secret in (b"secret", b"Camera 1", b"Lens 1", b"hers", b"Ann"):
        assert secret in original
        assert secret not in data


def test_the_adobe_marker_of_an_rgb_jpeg_is_kept() -> None:
    """Without it, decoders would interpret the components as YCbCr."""
    data = stripped(an_original(keep_rgb=True))

    assert data is not None
    assert ADOBE in markers(data)


def test_a_wide_gamut_profile_is_kept_and_srgb_is_removed() -> None:
    wide, usual = stripped(an_original(icc_profile=WIDE_PROFILE)), stripped(an_original(icc_profile=SRGB))

    assert wide is not None
    assert decoded(wide).info["icc_profile"] == WIDE_PROFILE
    assert usual is not None
    assert PROFILE not in markers(usual)


def test_an_exif_thumbnail_is_removed() -> None:
    thumbnail = encoded(a_picture(size=(16, 12)), "JPEG")
    exif = b"MM\0*\0\0\0\x08\0\0\0\0\0\x0e\0\x02\x02\x01\0\x04\0\0\0\x01\0\0\0\x2c\x02\x02\0\x04\0\0\0\x01"
    exif += len(thumbnail).to_bytes(4, "big") + b"\0" * 4 + thumbnail
    original = encoded(a_picture(), "JPEG", exif=b"Exif\0\0" + exif)
    assert original.count(b"\xff\xd8\xff") == 2

    data = stripped(original)

    assert data is not None
    assert data.count(b"\xff\xd8\xff") == 1
    assert np.array_equal(np.asarray(decoded(data)), np.asarray(decoded(original)))


def test_a_jfif_thumbnail_is_removed() -> None:
    original = encoded(a_picture(), "JPEG")
    assert original[6:11] == b"JFIF\0"
    content = original[6:18] + bytes((2, 2)) + b"tiny" * 3
    thumbed = original[:4] + (2 + len(content)).to_bytes(2, "big") + content + original[20:]

    bare = stripped(thumbed)

    assert bare is not None
    assert b"tiny" not in bare
    assert decoded(bare).tobytes() == decoded(original).tobytes()


def test_further_pictures_of_a_multi_picture_jpeg_are_removed() -> None:
    original = specimen("jpeg multi-picture (MPO)").data

    data = stripped(original)

    assert data is not None
    assert data.endswith(b"\xff\xd9")
    assert data.count(b"\xff\xd8\xff") == 1
    assert len(data) < 0.6 * len(original)
    with Image.open(io.BytesIO(original), formats=("JPEG",)) as first:
        assert np.array_equal(np.asarray(decoded(data)), np.asarray(first))


@pytest.mark.parametrize("save", [{}, {"progressive": True}, {"restart_marker_rows": 1}])
@pytest.mark.parametrize("trailer", ["another picture", "a video", "an end marker"])
def test_trailing_data_is_removed(trailer: str, save: dict[str, Any]) -> None:
    trailers = {
        "another picture": an_original(),
        "a video": b"\0\0\0\x18ftypmp42 secret",
        "an end marker": b"secret\xff\xd9",
    }
    original = encoded(a_picture(), "JPEG", **save)

    data = stripped(original + trailers[trailer])

    assert data == stripped(original)


def test_segments_between_scans_are_removed() -> None:
    plain = encoded(a_picture(), "JPEG", progressive=True)
    second = [start - 4 for marker, start, _ in iter_jpeg_segments(plain) if marker == START_OF_SCAN][1]
    ends_early, secret = b"\xff\xfe\0\x0c\xff\xd9\xff\xdasecret", b"\xff\xe1\0\x0eExif\0\0secret"
    original = plain[:second] + ends_early + secret + plain[second:]

    data = stripped(original)

    assert data == stripped(plain)
    assert open_picture(original, MAX_PIXELS).jpeg == open_picture(plain, MAX_PIXELS).jpeg


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("jpeg")])
def test_every_upright_rgb_or_grey_specimen_can_be_stripped(name: str) -> None:
    original = specimen(name).data
    picture = open_picture(original, MAX_PIXELS)

    data = strip_jpeg_metadata(original, picture)

    inks = "CMYK" in name or "YCCK" in name
    turned = "orientation" in name and not name.endswith(" 1")
    assert (data is None) == (inks or turned)
    if data is not None:
        again = open_picture(data, MAX_PIXELS)
        assert again.image.tobytes() == picture.image.tobytes()
        assert again.icc_profile == picture.icc_profile


@pytest.mark.parametrize("metadata", ["copyright", "keep"])
def test_a_jpeg_whose_metadata_is_kept_cannot_be_stripped(metadata: str) -> None:
    assert stripped(an_original(), metadata=metadata) is None


def test_a_scaled_picture_cannot_be_stripped() -> None:
    original = an_original()

    assert strip_jpeg_metadata(original, open_picture(original, MAX_PIXELS).scaled_to(80, 60)) is None


def test_a_missing_end_marker_is_added() -> None:
    original = encoded(a_picture(), "JPEG")

    data = stripped(original[:-2])

    assert data is not None
    assert np.array_equal(np.asarray(decoded(data)), np.asarray(decoded(original)))


def test_stripping_is_the_result_if_it_fits_and_takes_no_encode() -> None:
    original = encoded(a_picture(), "JPEG", exif=b"Exif\0\0" + b"\0" * 30_000)

    result = compress(original, CompressOptions(), MAX_PIXELS)

    assert result.data == stripped(original)
    assert (result.action, result.quality, result.encodes, result.target_met) == ("compressed", None, 0, True)
    assert result.ssim == pytest.approx(1.0, abs=0.0002)


def test_stripping_is_the_result_if_encoding_gains_nothing() -> None:
    original = encoded(a_picture(), "JPEG", quality=10, comment="secret", optimize=True)

    result = compress(original, CompressOptions(mode="quality", percent=95), MAX_PIXELS)

    assert result.data == stripped(original)
    assert (result.quality, result.encodes) == (None, 1)
