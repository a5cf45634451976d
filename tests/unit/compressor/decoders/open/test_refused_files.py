"""Images that cannot be compressed are refused with a reason, before memory is allocated."""

import re
import struct
import zlib
from collections.abc import Callable

import pytest
from PIL import Image

from services.compressor.compress import compress
from services.compressor.compress_error import CompressError
from services.compressor.decoders import open_picture
from shared.contracts.error_codes import ErrorCode
from shared.contracts.messages import CompressOptions
from tests.support.compressing import MAX_PIXELS, a_picture, encoded
from tests.support.photos import photos
from tests.zoo import ANIMATED, specimen
from tests.zoo.pngs import SIGNATURE, chunk, header
from tests.zoo.specimen import HEIGHT, WIDTH


def refusal(original: bytes, max_pixels: int = MAX_PIXELS) -> CompressError:
    with pytest.raises(CompressError) as caught:
        compress(original, CompressOptions(), max_pixels)
    return caught.value


def a_png_header(width: int, height: int) -> bytes:
    return SIGNATURE + header(width, height) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def a_webp_header(width: int, height: int) -> bytes:
    content = b"WEBPVP8X\x0a\0\0\0\0\0\0\0" + struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
    return b"RIFF" + struct.pack("<I", len(content)) + content


def a_gif_header(width: int, height: int) -> bytes:
    return b"GIF89a" + struct.pack("<HHBBB", width, height, 0, 0, 0) + b",\0\0\0\0\1\0\1\0\0\2\2\x4c\1\0;"


def a_bmp_header(width: int, height: int) -> bytes:
    """A run-length encoded picture without any run."""
    return b"BM" + struct.pack("<IHHIIiiHHI", 56, 0, 0, 1078, 40, width, height, 1, 8, 1) + b"\0" * 1100


def a_jpeg_header(width: int, height: int) -> bytes:
    original = encoded(a_picture("L", (16, 16)), "JPEG")
    return original.replace(b"\0\x0b\x08\0\x10\0\x10", b"\0\x0b\x08" + struct.pack(">HH", height, width))


def a_tiff_header(width: int, height: int) -> bytes:
    original = encoded(a_picture("L", (0x1234, 3)), "TIFF")
    return original.replace(struct.pack("<HHII", 256, 4, 1, 0x1234), struct.pack("<HHII", 256, 4, 1, width)).replace(
        struct.pack("<HHII", 257, 4, 1, 3), struct.pack("<HHII", 257, 4, 1, height)
    )


@pytest.mark.parametrize("kept", [0.02, 0.5])
def test_error_details_spell_a_format_in_one_way(kept: float) -> None:
    """Whether the header or the pixels are truncated."""
    original = encoded(a_picture(), "WEBP")

    error = refusal(original[: round(kept * len(original))])

    assert error.code is ErrorCode.DECODE_ERROR
    assert error.detail.startswith("WebP ")


@pytest.mark.parametrize("side", [4_000, 20_000, 60_000])
@pytest.mark.parametrize(
    "make", [a_png_header, a_webp_header, a_gif_header, a_bmp_header, a_jpeg_header, a_tiff_header]
)
def test_a_decompression_bomb_is_refused_by_its_header(make: Callable[[int, int], bytes], side: int) -> None:
    side = min(side, 16_384) if make is a_webp_header else side  # the maximum of its header

    error = refusal(make(side, side))

    assert error.code is ErrorCode.TOO_MANY_PIXELS
    assert str(MAX_PIXELS) in error.detail


def test_max_pixels_is_inclusive() -> None:
    original = encoded(a_picture(size=(40, 30)), "JPEG")

    assert compress(original, CompressOptions(), 40 * 30).format == "jpeg"
    assert refusal(original, 40 * 30 - 1).code is ErrorCode.TOO_MANY_PIXELS


@pytest.mark.parametrize("name", ANIMATED)
def test_all_frames_together_may_have_four_times_max_pixels(name: str) -> None:
    kind, area = specimen(name), WIDTH * HEIGHT
    enough = max(area, -(-len(kind.milliseconds) * area // 4))

    assert open_picture(kind.data, enough).animation
    assert refusal(kind.data, enough - 1).code is ErrorCode.TOO_MANY_PIXELS


def test_a_gif_with_too_many_frames_is_refused_before_decoding() -> None:
    gif = specimen("gif animated for ever").data
    start = gif.index(b"!\xf9\x04")
    tiny = b"!\xf9\x04\0\0\0\0\0,\0\0\0\0\1\0\1\0\0\2\2\x4c\1\0"

    error = refusal(gif[:start] + tiny * 20_000 + b";", 1_000_000)

    assert error.code is ErrorCode.TOO_MANY_PIXELS
    assert "20000 frames of 64 x 48" in error.detail


def test_a_frame_larger_than_max_pixels_is_refused_even_on_a_small_canvas() -> None:
    huge = b"GIF89a" + struct.pack("<HHBBB", 8, 8, 0, 0, 0) + b",\0\0\0\0\xff\xff\xff\xff\0\2\2\x4c\1\0;"

    assert refusal(huge).code is ErrorCode.TOO_MANY_PIXELS


def test_pillows_own_limit_is_restored() -> None:
    usual = Image.MAX_IMAGE_PIXELS

    refusal(encoded(a_picture(size=(40, 30)), "JPEG"), max_pixels=1)

    assert usual == Image.MAX_IMAGE_PIXELS


def test_max_pixels_may_exceed_pillows_own_limit() -> None:
    pillows = Image.MAX_IMAGE_PIXELS or 0
    width, height = 65_000, 1_400
    assert width * height > pillows

    assert refusal(a_png_header(width, height), 100_000_000).code is ErrorCode.DECODE_ERROR  # not TOO_MANY_PIXELS


def test_a_gif_that_is_cut_off_where_its_data_look_like_its_end_is_refused() -> None:
    """The downloader takes such a file for a whole one, if its host closed the connection without an end."""
    gif = photos()["gif.jpg"]
    ends = [found.end() for found in re.finditer(rb"\0;", gif)]
    assert ends[-1] == len(gif)
    assert len(ends) > 1
    for end in ends[:-1]:
        assert refusal(gif[:end]).code is ErrorCode.DECODE_ERROR
