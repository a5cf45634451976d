"""One JPEG from one picture."""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from PIL import Image, ImageFile

_MARKERS_BYTES = 1 << 16
SUBSAMPLINGS = {(1, 1): "4:4:4", (2, 1): "4:2:2", (2, 2): "4:2:0"}
"""Pillow's names for how many luminance samples share a chrominance sample, across and down."""

# Of a block of luminance and of chrominance, by the standard tables (ITU-T T.81, annex K) and by fitted ones.
_EMPTY_BITS = (6, 4)
_EMPTY_FITTED_BITS = (2, 2)
_START_OF_SCAN = b"\xff\xda"


@dataclass(frozen=True, slots=True)
class Coding:
    """How a JPEG is encoded, besides its quantisation.

    subsampling: how many luminance samples share a chrominance sample, across and down.
    optimised_huffman: Huffman tables made for the picture; that takes about half as long again.
    """

    subsampling: tuple[int, int]
    optimised_huffman: bool

    @property
    def empty_tile_bytes(self) -> float:
        """What 16 x 16 pixels without any detail take: each block says "no change" and "nothing more"."""
        across, down = self.subsampling
        bits = _EMPTY_FITTED_BITS if self.optimised_huffman else _EMPTY_BITS
        return 4 * (bits[0] + 2 * bits[1] / (across * down)) / 8


def encode_jpeg(image: Image.Image, tables: Sequence[Sequence[int]], coding: Coding, **carried: bytes | None) -> bytes:
    """A baseline JPEG of a picture in mode L, RGB or RGBX.

    tables: of luminance and chrominance, by rows of the block. carried: icc_profile, exif and xmp.
    Raises ValueError if exif or xmp does not fit into one segment.
    """
    out = io.BytesIO()
    with _room(image, sum(len(data or b"") for data in carried.values())):
        image.save(
            out,
            "JPEG",
            qtables=tables[:1] if image.mode == "L" else tables,
            subsampling=SUBSAMPLINGS.get(coding.subsampling, "4:2:0"),
            optimize=coding.optimised_huffman,
            **{name: data for name, data in carried.items() if data},
        )
    return out.getvalue()


def scan_bytes(jpeg: bytes) -> int:
    """The bytes of a JPEG without thumbnail that its pixels take, without the headers before them."""
    return len(jpeg) - jpeg.index(_START_OF_SCAN)


@contextmanager
def _room(image: Image.Image, carried: int) -> Iterator[None]:
    """Let libjpeg write the whole file at once, as it must with fitted Huffman tables.

    Pillow guesses the room from the number of pixels, which noise in a small or narrow picture exceeds ("broken data
    stream"). Its lower bound is a module variable; a process compresses one picture at a time.
    """
    usual = ImageFile.MAXBLOCK
    blocks = (image.width + 16) * (image.height + 16)
    ImageFile.MAXBLOCK = 2 * blocks * len(image.getbands()) + carried + _MARKERS_BYTES
    try:
        yield
    finally:
        ImageFile.MAXBLOCK = usual
