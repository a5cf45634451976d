"""BMP pixels are written uncompressed, so only fewer bits per pixel save bytes: 24, 8, 4 or 1.

A picture with alpha keeps 32 bits per pixel, since palettes have no alpha.
"""

import numpy as np
from PIL import Image

from services.compressor.decoders import Picture, to_srgb
from services.compressor.encoders.bmp.bmp_file import bmp_size, with_density, write_indexed_bmp, write_true_colour_bmp
from services.compressor.encoders.palette import ALL_COLOURS, Reduction, colours_of_quality
from services.compressor.rate_control import Ladder

_PALETTES = (2, 16, 256)


def bmp_ladder(picture: Picture, _original_bytes: int) -> Ladder:
    """Rungs are palette sizes; the last rung is lossless."""
    bmp = _Bmp(picture)
    return Ladder(bmp.rungs, bmp.encode, bmp.expected_sizes, bmp.rung_of, has_quality=False)


class _Bmp:
    def __init__(self, picture: Picture) -> None:
        image = to_srgb(picture.image, picture.icc_profile)
        self._density = picture.density
        self._image = image.convert("RGBA" if "A" in image.getbands() else "RGB")
        self._reduction = Reduction(self._image)
        colours = self._image.getcolors(_PALETTES[-1])
        self._colour_count = ALL_COLOURS if colours is None or self._image.mode == "RGBA" else len(colours)
        self._original_colours = picture.colours_before_scaling or ALL_COLOURS
        palettes = () if self._image.mode == "RGBA" else sorted({*_PALETTES, self._original_colours})
        smaller = (rung for rung in palettes if rung < self._colour_count)
        self.rungs = [*smaller, ALL_COLOURS]
        self._few = picture.few_colours and to_srgb(picture.few_colours(), picture.icc_profile)

    def rung_of(self, quality: int) -> int:
        """The smallest palette with the colours of this quality, or with those of the picture before scaling."""
        wanted = min(colours_of_quality(quality), self._original_colours)
        return next((rung for rung in self.rungs if rung >= wanted), ALL_COLOURS)

    def encode(self, colours: int) -> bytes:
        return with_density(self._encode(colours), self._density)

    def _encode(self, colours: int) -> bytes:
        if colours >= self._colour_count <= _PALETTES[-1]:
            return _exactly(self._image)
        if colours > _PALETTES[-1]:
            return write_true_colour_bmp(self._image)
        if self._few and colours == self._original_colours:
            return _exactly(self._few)
        palette = self._reduction.palette(colours)
        return write_indexed_bmp(palette.indices(self._image), palette.entries)

    def expected_sizes(self, _limit: int) -> list[float]:
        """Exact, except that a palette may turn out smaller."""
        bands = len(self._image.getbands())
        return [float(bmp_size(self._image.size, min(rung, self._colour_count), bands)) for rung in self.rungs]


def _exactly(image: Image.Image) -> bytes:
    """With a palette of exactly the image's colours, 256 at most."""
    image = image.convert("RGBA")
    entries = np.array([colour for _, colour in image.getcolors(_PALETTES[-1]) or ()], np.uint8)
    colours = np.sort(entries.view(np.uint32)[:, 0])
    packed = np.frombuffer(image.tobytes(), np.uint32)
    # Not by np.unique, which sorts all pixels.
    rows = np.searchsorted(colours, packed).astype(np.uint8).reshape(image.height, image.width)
    return write_indexed_bmp(rows, colours.view(np.uint8).reshape(-1, 4))
