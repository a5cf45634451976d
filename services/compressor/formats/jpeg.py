"""JPEG: lossy, opaque, one frame."""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from PIL import Image, ImageFile

from services.compressor.fitting.expected_size import jpeg_sizes
from services.compressor.fitting.ladder import QUALITIES, Ladder
from services.compressor.opening.colours import on_white
from services.compressor.opening.picture import Picture

_MARKERS_BYTES = 1 << 16


def ladder(picture: Picture, original_bytes: int) -> Ladder:
    """What is clear becomes white; of an animation only the first frame is left."""
    image = on_white(picture.image)

    def expected(_limit: int) -> Sequence[float]:
        return jpeg_sizes(original_bytes, picture.jpeg.quantiser if picture.jpeg else None)

    return Ladder(QUALITIES, partial(_encode, picture, image), expected)


def _encode(picture: Picture, image: Image.Image, quality: int) -> bytes:
    out = io.BytesIO()
    with _room(image, picture.icc_profile):
        image.save(
            out,
            "JPEG",
            quality=quality,
            optimize=True,
            progressive=bool(picture.jpeg and picture.jpeg.progressive),
            icc_profile=picture.icc_profile,
        )
    return out.getvalue()


@contextmanager
def _room(image: Image.Image, icc_profile: bytes | None) -> Iterator[None]:
    """Let libjpeg write the whole file at once, as it must with fitted Huffman tables.

    Pillow guesses the room from the number of pixels, which noise in a small or narrow picture exceeds ("broken data
    stream"). Its lower bound is a module variable; a process compresses one picture at a time.
    """
    usual = ImageFile.MAXBLOCK
    blocks = (image.width + 16) * (image.height + 16)
    ImageFile.MAXBLOCK = 2 * blocks * len(image.getbands()) + len(icc_profile or b"") + _MARKERS_BYTES
    try:
        yield
    finally:
        ImageFile.MAXBLOCK = usual
