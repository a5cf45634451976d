"""`decode_jpeg` gives Pillow's pixels, also of files that make decoders warn, and refuses incomplete files."""

import io
import re
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from services.compressor.compress import compress
from services.compressor.compress_error import CompressError
from services.compressor.decoders import open_picture
from services.compressor.decoders.jpeg_decode import decode_jpeg
from services.compressor.decoders.jpeg_repair import repaired
from shared.contracts.error_codes import ErrorCode
from shared.contracts.messages import CompressOptions
from tests.support.compressing import MAX_PIXELS, a_picture, decoded, encoded
from tests.zoo import NAMES, specimen
from tests.zoo.jpegs import ODDITIES, SAMPLINGS
from tests.zoo.specimen import gradient

END = b"\xff\xd9"


def a_jpeg(mode: str = "RGB", size: tuple[int, int] = (83, 61), **save: Any) -> bytes:
    return encoded(a_picture(mode, size, noise=60), "JPEG", **save)


def pixels(image: Image.Image) -> np.ndarray:
    return np.asarray(image.convert("RGB"))


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("size", [(1, 1), (1, 500), (7, 7), (16, 16), (83, 61)])
@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0"])
def test_pixels_equal_pillows(subsampling: str, size: tuple[int, int], progressive: bool) -> None:
    jpeg = a_jpeg(size=size, subsampling=subsampling, progressive=progressive)

    fast = decode_jpeg(jpeg, "RGB")

    assert np.array_equal(pixels(fast), pixels(decoded(jpeg)))


@pytest.mark.parametrize("progressive", [False, True])
def test_grey_pixels_equal_pillows(progressive: bool) -> None:
    jpeg = a_jpeg("L", progressive=progressive)

    fast = decode_jpeg(jpeg, "L")

    assert fast.mode == "L"
    assert np.array_equal(np.asarray(fast), np.asarray(decoded(jpeg)))


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("jpeg")])
@pytest.mark.filterwarnings("ignore:Corrupt EXIF")  # Pillow warns, because it is used directly here
def test_every_jpeg_of_the_zoo_has_pillows_pixels(name: str) -> None:
    jpeg = specimen(name).data
    by_pillow = JpegImageFile(io.BytesIO(repaired(jpeg)))  # Pillow does not open all of them as they are

    assert np.array_equal(pixels(decode_jpeg(jpeg, by_pillow.mode)), pixels(by_pillow))


@pytest.mark.parametrize("name", ODDITIES)
def test_an_oddity_changes_no_pixel(name: str) -> None:
    progressive = "progressive" in name
    plain = encoded(gradient(), "JPEG", quality=92, progressive=progressive)

    assert np.array_equal(pixels(open_picture(ODDITIES[name](), MAX_PIXELS).image), pixels(decoded(plain)))


@pytest.mark.parametrize("name", [name for name in ODDITIES if "before" not in name and "behind" not in name])
def test_an_oddity_does_not_hide_missing_pixels(name: str) -> None:
    jpeg = ODDITIES[name]()
    scan = jpeg.index(b"\xff\xda")

    for part in (0.3, 0.6, 0.9):
        with pytest.raises(CompressError) as caught:
            compress(jpeg[: scan + round(part * (len(jpeg) - scan))] + END, CompressOptions(), MAX_PIXELS)
        assert caught.value.code is ErrorCode.DECODE_ERROR


@pytest.mark.parametrize("sampling", [name for name in SAMPLINGS if name != "coarse luminance"])
def test_missing_pixels_are_found_whatever_the_sampling(sampling: str) -> None:
    jpeg = specimen(f"jpeg {sampling}").data
    last_scan = jpeg.rindex(b"\xff\xda")

    for cut in (jpeg[: last_scan + (len(jpeg) - last_scan) // 2], jpeg[:last_scan], jpeg[: len(jpeg) // 2]):
        with pytest.raises(CompressError) as caught:
            open_picture(cut + END, MAX_PIXELS)
        assert caught.value.code is ErrorCode.DECODE_ERROR


HEADERS = pytest.mark.parametrize("marker", [b"\xff\xdb", b"\xff\xc0", b"\xff\xc4", b"\xff\xda"])


def padded(jpeg: bytes, marker: bytes, padding: bytes = b"\0" * 8) -> bytes:
    at = jpeg.index(marker)
    return jpeg[:at] + padding + jpeg[at:]


@HEADERS
@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("padding", [b"\0", b"\0" * 8, b"\xff"])
def test_padding_between_headers_is_skipped(padding: bytes, mode: str, marker: bytes) -> None:
    jpeg = a_jpeg(mode)

    image = open_picture(padded(jpeg, marker, padding), MAX_PIXELS).image

    assert np.array_equal(pixels(image), pixels(decoded(jpeg)))


@HEADERS
def test_padding_between_headers_does_not_hide_missing_pixels(marker: bytes) -> None:
    jpeg = padded(a_jpeg(), marker)

    with pytest.raises(CompressError, match="JPEG does not decode"):
        open_picture(jpeg[: len(jpeg) * 2 // 3] + END, MAX_PIXELS)


def test_a_few_bytes_before_the_end_are_harmless() -> None:
    jpeg = a_jpeg()
    padded = jpeg.removesuffix(END) + b"\0\0" + END

    assert np.array_equal(pixels(open_picture(padded, MAX_PIXELS).image), pixels(decoded(jpeg)))


def test_bytes_after_the_end_marker_are_ignored() -> None:
    jpeg = a_jpeg()

    assert np.array_equal(pixels(open_picture(jpeg + b"\r\nappended", MAX_PIXELS).image), pixels(decoded(jpeg)))


@pytest.mark.parametrize("missing", [1, 2])
def test_only_the_end_marker_may_be_missing(missing: int) -> None:
    jpeg = a_jpeg()

    fast = decode_jpeg(jpeg[:-missing], "RGB")

    assert np.array_equal(pixels(fast), pixels(decoded(jpeg)))


@pytest.mark.parametrize("with_end_marker", [False, True])
@pytest.mark.parametrize("save", [{}, {"progressive": True}, {"subsampling": "4:2:0"}, {"restart_marker_rows": 1}])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_a_truncated_jpeg_is_refused(mode: str, save: dict[str, Any], with_end_marker: bool) -> None:
    """Also with an end marker appended, so that Pillow considers it complete."""
    jpeg = a_jpeg(mode, **save)
    scan = jpeg.index(b"\xff\xda")

    for part in (0.3, 0.6, 0.9):
        cut = jpeg[: scan + round(part * (len(jpeg) - scan))] + (END if with_end_marker else b"")
        with pytest.raises(CompressError) as caught:
            compress(cut, CompressOptions(), MAX_PIXELS)
        assert caught.value.code is ErrorCode.DECODE_ERROR


def test_a_damaged_restart_interval_is_refused() -> None:
    jpeg = a_jpeg(restart_marker_rows=1)
    second = [found.start() for found in re.finditer(rb"\xff[\xd0-\xd7]", jpeg)][1]

    with pytest.raises(CompressError, match="JPEG does not decode"):
        open_picture(jpeg[:second] + jpeg[second + 20 :], MAX_PIXELS)


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_a_jpeg_truncated_at_a_restart_and_padded_is_refused(mode: str) -> None:
    jpeg = a_jpeg(mode, restart_marker_blocks=3)
    a_comment = b"\xff\xfe\0\x04no"

    for found in re.finditer(rb"\xff[\xd0-\xd7]", jpeg):
        for padding in (b"", b"\0", b"\0" * 4, b"\0\0" + a_comment):
            with pytest.raises(CompressError, match="JPEG does not decode"):
                open_picture(jpeg[: found.start()] + padding + END, MAX_PIXELS)


def test_scans_of_a_following_picture_do_not_replace_missing_scans() -> None:
    jpeg = a_jpeg(progressive=True)
    scans = [found.start() for found in re.finditer(rb"\xff\xda", jpeg)]

    with pytest.raises(CompressError, match="scans are missing"):
        open_picture(jpeg[: scans[4]] + END + a_jpeg(), MAX_PIXELS)
