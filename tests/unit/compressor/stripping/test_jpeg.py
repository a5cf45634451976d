"""A JPEG loses its metadata and keeps its pixels."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from services.compressor.compress import compress
from services.compressor.decoders import START_OF_SCAN, iter_jpeg_segments, open_picture
from services.compressor.stripping import strip_original
from shared.contracts.messages import CompressOptions
from tests.support.compressing import (
    COPYRIGHT,
    MAX_PIXELS,
    ORIENTATION,
    SRGB,
    WIDE_PROFILE,
    a_picture,
    decoded,
    encoded,
)
from tests.unit.compressor.decoders.test_metadata import ARTIST, XMP, an_exif
from tests.zoo import specimen

COMMENT, EXIF_OR_XMP, PHOTOSHOP, ADOBE, PROFILE, FURTHER = 0xFE, 0xE1, 0xED, 0xEE, 0xE2, 0xE4


def stripped(original: bytes, **options: Any) -> bytes | None:
    return strip_original(original, open_picture(original, MAX_PIXELS, **options))


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


@pytest.mark.parametrize("orientation", range(2, 9))
def test_the_orientation_that_the_pixels_need_is_all_that_remains_of_exif(orientation: int) -> None:
    exif = an_exif()
    exif[ORIENTATION] = orientation
    original = encoded(a_picture(), "JPEG", exif=exif)

    data = stripped(original)

    assert data is not None
    assert dict(decoded(data).getexif()) == {ORIENTATION: orientation}


def test_author_and_copyright_are_all_that_remains_if_they_are_kept() -> None:
    data = stripped(an_original(), metadata="copyright")

    assert data is not None
    assert dict(decoded(data).getexif()) == {ARTIST: "Ann", COPYRIGHT: "hers"}
    assert not [secret for secret in (b"secret", b"Camera 1", b"Lens 1", b"Bob") if secret in data]


def test_a_cmyk_jpeg_keeps_its_profile() -> None:
    original = specimen("jpeg CMYK with a profile").data

    assert stripped(original + b"secret") == original


def test_a_missing_end_marker_is_no_metadata() -> None:
    original = encoded(a_picture(), "JPEG")

    assert stripped(original[:-2]) == original[:-2]


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
    assert (result.action, result.quality, result.encodes) == ("kept_original", None, 1)
