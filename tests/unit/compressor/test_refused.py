"""What cannot be compressed is refused with the reason, and costs no memory."""

import struct
import zlib

import pytest
from PIL import Image

from services.compressor.compress import compress
from services.compressor.compress_error import CompressError
from shared.contracts.error_codes import ErrorCode
from tests.unit.compressor.make import MAX_PIXELS, a_picture, encoded


def refusal(original: bytes, max_pixels: int = MAX_PIXELS) -> CompressError:
    with pytest.raises(CompressError) as caught:
        compress(original, 50, max_pixels)
    return caught.value


def a_png_header(width: int, height: int) -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("original", "what"),
    [
        (encoded(a_picture("L"), "GIF"), "a GIF"),
        (encoded(a_picture(), "TIFF"), "a TIFF"),
        (encoded(a_picture(), "BMP"), "a BMP"),
        (encoded(a_picture(), "AVIF"), "an AVIF"),
        (encoded(a_picture(), "JPEG2000", quality_layers=[20]), "a JPEG 2000"),
        (b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>', "an SVG"),
        (b"\xef\xbb\xbf\n<!DOCTYPE html><html><body>Not found, sorry</body></html>", "an HTML page"),
        (b"Not found", "no known picture"),
        (b"", "no known picture"),
    ],
)
def test_other_formats_are_named(original: bytes, what: str) -> None:
    error = refusal(original)

    assert error.code is ErrorCode.UNSUPPORTED_FORMAT
    assert error.detail == f"the file is {what}"


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_a_truncated_file_does_not_decode(file_format: str, part: float) -> None:
    original = encoded(a_picture(), file_format)

    assert refusal(original[: int(len(original) * part)]).code is ErrorCode.DECODE_ERROR


@pytest.mark.parametrize("original", [b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n", b"RIFF\x10\0\0\0WEBPVP8 "])
def test_a_broken_header_does_not_decode(original: bytes) -> None:
    assert refusal(original).code is ErrorCode.DECODE_ERROR


def test_damaged_pixels_do_not_decode() -> None:
    original = bytearray(encoded(a_picture(), "PNG"))
    original[len(original) // 2] ^= 0xFF

    assert refusal(bytes(original)).code is ErrorCode.DECODE_ERROR


@pytest.mark.parametrize("side", [4_000, 20_000, 60_000])
def test_a_bomb_is_refused_by_its_header(side: int) -> None:
    error = refusal(a_png_header(side, side))

    assert error.code is ErrorCode.TOO_MANY_PIXELS
    assert str(MAX_PIXELS) in error.detail


def test_the_limit_is_on_pixels_and_inclusive() -> None:
    original = encoded(a_picture(size=(40, 30)), "JPEG")

    assert compress(original, 50, 40 * 30).format == "jpeg"
    assert refusal(original, 40 * 30 - 1).code is ErrorCode.TOO_MANY_PIXELS


def test_the_limit_is_gone_with_the_picture() -> None:
    usual = Image.MAX_IMAGE_PIXELS

    refusal(encoded(a_picture(size=(40, 30)), "JPEG"), max_pixels=1)

    assert usual == Image.MAX_IMAGE_PIXELS


def test_the_limit_may_be_raised_beyond_pillows_own() -> None:
    pillows = Image.MAX_IMAGE_PIXELS or 0
    width, height = 65_000, 1_400
    assert width * height > pillows

    assert refusal(a_png_header(width, height), 100_000_000).code is ErrorCode.DECODE_ERROR  # and not too many pixels
