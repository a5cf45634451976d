"""A picture and a quality in, an encoded file out. Nothing is written but pixels and what gives them their colours."""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from PIL import Image, ImageFile, PngImagePlugin

from services.compressor.picture import Picture

_BEST_DEFLATE_PIXELS = 1_000_000
_MARKERS_BYTES = 1 << 16


def encode_jpeg(picture: Picture, quality: int) -> bytes:
    """Huffman tables are fitted to the picture; a progressive original stays progressive."""
    out = io.BytesIO()
    with _room_for_jpeg(picture):
        picture.image.save(
            out,
            "JPEG",
            quality=quality,
            optimize=True,
            progressive=picture.progressive,
            icc_profile=picture.icc_profile,
        )
    return out.getvalue()


def encode_webp(picture: Picture, quality: int) -> bytes:
    """Lossy; alpha is kept without loss."""
    out = io.BytesIO()
    picture.image.save(out, "WEBP", quality=quality, icc_profile=picture.icc_profile)
    return out.getvalue()


def encode_png(image: Image.Image, icc_profile: bytes | None, colour_chunks: Sequence[tuple[bytes, bytes]]) -> bytes:
    """Without loss. `colour_chunks` are written as they are, sRGB only without an ICC profile.

    Deflate's best level takes ten times as long for a few per cent, so large pictures go without.
    """
    info = PngImagePlugin.PngInfo()
    for name, data in colour_chunks:
        info.add(name, data)
    out = io.BytesIO()
    small = image.width * image.height <= _BEST_DEFLATE_PIXELS
    image.save(out, "PNG", optimize=small, icc_profile=icc_profile, pnginfo=info)
    return out.getvalue()


@contextmanager
def _room_for_jpeg(picture: Picture) -> Iterator[None]:
    """Let libjpeg write the whole file at once, as it must with fitted Huffman tables.

    Pillow guesses the room from the number of pixels, which noise in a small or narrow picture exceeds ("broken data
    stream"). Its lower bound is a module variable; a process compresses one picture at a time.
    """
    usual = ImageFile.MAXBLOCK
    image = picture.image
    blocks = (image.width + 16) * (image.height + 16)
    ImageFile.MAXBLOCK = 2 * blocks * len(image.getbands()) + len(picture.icc_profile or b"") + _MARKERS_BYTES
    try:
        yield
    finally:
        ImageFile.MAXBLOCK = usual
