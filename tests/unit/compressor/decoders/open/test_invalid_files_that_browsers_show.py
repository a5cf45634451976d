"""Files that violate their format, but that browsers show."""

import struct

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from services.compressor.decoders import open_picture
from tests.support.compressing import MAX_PIXELS, a_picture, encoded
from tests.zoo import NAMES, specimen
from tests.zoo.gifs import lzw
from tests.zoo.pngs import chunk


@pytest.mark.parametrize("name", [name for name in NAMES if "end marker" not in name])
def test_bytes_after_a_picture_are_ignored(name: str) -> None:
    data = specimen(name).data

    picture = open_picture(data + b"\0" * 16 + b"further", MAX_PIXELS)

    assert picture.image.tobytes() == open_picture(data, MAX_PIXELS).image.tobytes()


def test_orientation_in_xmp_is_ignored() -> None:
    xmp = b'<x:xmpmeta><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'

    assert open_picture(encoded(a_picture(), "WEBP", xmp=xmp), MAX_PIXELS).image.size == (160, 120)


def a_gif(canvas: tuple[int, int], at: tuple[int, int], size: tuple[int, int]) -> bytes:
    """A red frame that uses the global palette."""
    head = b"GIF89a" + struct.pack("<HHBBB", *canvas, 0x80, 0, 0) + b"\xff\0\0\0\xff\0"
    return head + b"," + struct.pack("<HHHHB", *at, *size, 0) + lzw(bytes(size[0] * size[1])) + b";"


@pytest.mark.parametrize(("at", "size"), [((0, 0), (30, 20)), ((5, 5), (10, 10)), ((12, 0), (4, 4))])
def test_a_first_frame_beyond_the_screen_enlarges_it(at: tuple[int, int], size: tuple[int, int]) -> None:
    picture = open_picture(a_gif((10, 8), at, size), MAX_PIXELS)

    width, height = max(10, at[0] + size[0]), max(8, at[1] + size[1])
    assert picture.image.size == (width, height)
    shown = np.asarray(picture.image.convert("RGBA"))
    inside = np.zeros((height, width), bool)
    inside[at[1] : at[1] + size[1], at[0] : at[0] + size[0]] = True
    assert (shown[inside] == (255, 0, 0, 255)).all()
    assert (shown[~inside, 3] == 0).all()


def test_an_apng_with_one_frame_is_not_animated() -> None:
    png = encoded(a_picture(), "PNG")
    control = chunk(b"acTL", struct.pack(">II", 1, 0)) + chunk(
        b"fcTL", struct.pack(">IIIIIHHBB", 0, 160, 120, 0, 0, 1, 10, 0, 0)
    )

    picture = open_picture(png[:33] + control + png[33:], MAX_PIXELS)

    assert picture.animation is None
    assert picture.image.tobytes() == a_picture().tobytes()


def test_a_wrong_checksum_in_a_chunk_that_does_not_affect_pixels_is_ignored() -> None:
    text = bytearray(chunk(b"tEXt", b"Title\0a picture"))
    text[-1] ^= 1
    end = chunk(b"IEND", b"")
    png = encoded(a_picture(), "PNG").replace(end, bytes(text) + end)

    assert open_picture(png, MAX_PIXELS).image.size == (160, 120)


def test_a_png_with_a_large_text_opens() -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", "x" * 3_000_000)

    assert open_picture(encoded(a_picture(), "PNG", pnginfo=info), MAX_PIXELS).image.size == (160, 120)


def test_a_black_png_is_not_mistaken_for_one_with_missing_rows() -> None:
    black = open_picture(encoded(Image.new("RGB", (7, 5)), "PNG"), MAX_PIXELS)

    assert black.image.tobytes() == bytes(7 * 5 * 3)


@pytest.mark.parametrize("missing", [1, 4, 6, 8])
def test_a_png_that_ends_with_its_last_pixel_opens(missing: int) -> None:
    """Without IEND, the checksum of the last chunk, and that of the pixels."""
    png = encoded(a_picture(), "PNG")
    end = png.index(b"IEND") - 4

    assert open_picture(png[: end - missing], MAX_PIXELS).image.tobytes() == a_picture().tobytes()


def test_metadata_is_kept_beside_a_broken_end() -> None:
    exif = Image.Exif()
    exif[0x013B] = "somebody"
    png = encoded(a_picture(), "PNG", exif=exif)

    picture = open_picture(png[:-12], MAX_PIXELS, "keep")

    assert picture.exif
    assert b"somebody" in picture.exif
