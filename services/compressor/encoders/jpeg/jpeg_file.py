"""Encode one JPEG with given quantisation tables."""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from PIL import Image, ImageFile

from services.compressor.decoders import RESTART_ROWS, Density, jfif_density

_MAX_MARKER_BYTES = 1 << 16
SUBSAMPLINGS = {(1, 1): "4:4:4", (2, 1): "4:2:2", (2, 2): "4:2:0"}
"""Pillow's name for each chroma subsampling: luminance samples per chrominance sample, horizontally and vertically."""

# Bits of an empty block of luminance and of chrominance, with the standard Huffman tables (ITU-T T.81, annex K) and
# with optimised ones.
_EMPTY_BITS = (6, 4)
_EMPTY_OPTIMISED_BITS = (2, 2)
_DENSITY_AT, _DENSITY_BYTES = 13, 5  # of the first segment, JFIF
_START_OF_SCAN = b"\xff\xda"


@dataclass(frozen=True, slots=True)
class Coding:
    """How a JPEG is encoded, besides its quantisation.

    subsampling: luminance samples per chrominance sample, horizontally and vertically.
    optimised_huffman: Huffman tables computed for the picture, which takes about half as long again.
    """

    subsampling: tuple[int, int]
    optimised_huffman: bool

    def unit_rows(self, mode: str) -> int:
        """The rows of pixels of a minimum coded unit."""
        return 8 if mode == "L" else 8 * self.subsampling[1]

    @property
    def empty_tile_bytes(self) -> float:
        """The bytes of 16 x 16 pixels without detail: each block codes a DC difference of 0 and an end of block."""
        across, down = self.subsampling
        bits = _EMPTY_OPTIMISED_BITS if self.optimised_huffman else _EMPTY_BITS
        return 4 * (bits[0] + 2 * bits[1] / (across * down)) / 8


def encode_jpeg(
    image: Image.Image,
    tables: Sequence[Sequence[int]],
    coding: Coding,
    *,
    restarts: bool = False,
    **metadata: bytes | None,
) -> bytes:
    """A baseline JPEG of a picture in mode L, RGB or RGBX.

    tables: quantisation of luminance and chrominance, 64 steps by rows. restarts: with a marker every RESTART_ROWS,
    from which decoding can start. metadata: icc_profile, exif and xmp.
    Raises ValueError if exif or xmp does not fit into one segment.
    """
    out = io.BytesIO()
    with _write_buffer(image, sum(len(data or b"") for data in metadata.values())):
        image.save(
            out,
            "JPEG",
            qtables=tables[:1] if image.mode == "L" else tables,
            subsampling=SUBSAMPLINGS.get(coding.subsampling, "4:2:0"),
            optimize=coding.optimised_huffman,
            restart_marker_rows=RESTART_ROWS // coding.unit_rows(image.mode) if restarts else 0,
            **{name: data for name, data in metadata.items() if data},
        )
    return out.getvalue()


def with_density(jpeg: bytes, density: Density | None) -> bytes:
    """A JPEG as `encode_jpeg` makes it, which begins with a JFIF segment, with this density."""
    return jpeg[:_DENSITY_AT] + jfif_density(density) + jpeg[_DENSITY_AT + _DENSITY_BYTES :]


def scan_bytes(jpeg: bytes) -> int:
    """The bytes from the first scan on, without the headers. The JPEG must not contain a thumbnail."""
    return len(jpeg) - jpeg.index(_START_OF_SCAN)


@contextmanager
def _write_buffer(image: Image.Image, metadata_bytes: int) -> Iterator[None]:
    """Give Pillow a buffer for the whole file, which libjpeg needs with optimised Huffman tables.

    Pillow estimates the buffer from the number of pixels. Noise in a small or narrow picture exceeds it ("broken data
    stream"). The buffer's minimum is a module variable; changing it is safe, since a process compresses one picture at
    a time.
    """
    default = ImageFile.MAXBLOCK
    blocks = (image.width + 16) * (image.height + 16)
    ImageFile.MAXBLOCK = 2 * blocks * len(image.getbands()) + metadata_bytes + _MAX_MARKER_BYTES
    try:
        yield
    finally:
        ImageFile.MAXBLOCK = default
