"""How many bytes a JPEG will take at each quality, from a sample of its tiles. See docs/compression.md.

The sample is encoded at a quality near the one that will fit. Where the original is a JPEG, the sample is also encoded
with the original's own tables: what the original takes beside that says how much the rest of the picture holds beside
the sample, and most of the sample's error is gone. Around the qualities that were tried, the logarithm of the size
falls in proportion to the logarithm of the quantiser's scale.
"""

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from services.compressor.fitting.ladder import QUALITIES
from services.compressor.fitting.tile_sample import tile_sample
from services.compressor.formats.jpeg_chrominance import HALVED, subsampling_for
from services.compressor.formats.jpeg_encode import Coding, encode_jpeg, scan_bytes
from services.compressor.formats.jpeg_tables import luminance_step, mean_step, quality_of, scale_of, tables
from services.compressor.opening.picture import JpegSource

_MOST_TRIALS = 5
_CLOSE = (0.95, 1.03)
_MARGIN = 1.012
"""Sizes are given a little too large: a picture that turns out too large costs an encode, one too small only beauty."""

_PROGRESSIVE = 0.97  # of a sequential file's bytes are what a progressive one takes
_HALVED_CHROMINANCE = 0.85  # of the bytes are left when a source of full chrominance gets half
_FINENESS = [-math.log(scale_of(quality)) for quality in QUALITIES]
_FAR = 10.0  # beyond any quality, as a logarithm of the scale
_SMALL_PIXELS = 300_000
_DENSE = 0.4
"""Bits a pixel. Above, fitted Huffman tables gain a few per cent, and take as long as they do where they gain many."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """sizes: expected bytes for each of QUALITIES. coding: Huffman tables are fitted to the picture if that pays."""

    sizes: Sequence[float]
    coding: Coding


def forecast(image: Image.Image, source: JpegSource | None, limit: int) -> Forecast:
    """What a picture in mode L, RGB or RGBX will take, above all near `limit` bytes, and how it is best coded."""
    sample, aim = _Sample(image, source), limit / _MARGIN
    pixels = image.width * image.height
    coding = Coding(HALVED, fitted_huffman=pixels < _SMALL_PIXELS or 8 * limit < _DENSE * pixels)
    curve = _curve_near(aim, _first_guess(source, limit), sample, coding)
    quality = _highest_fitting(curve, aim)
    subsampling = subsampling_for(image, source, quality)
    if subsampling != HALVED:
        coding = replace(coding, subsampling=subsampling)
        curve = _curve_near(aim, quality, sample, coding)
    return Forecast([_MARGIN * size for size in _curve_through(curve)], coding)


def _curve_near(aim: float, quality: int, sample: "_Sample", coding: Coding) -> dict[int, float]:
    """The size at a few qualities, the first one given, the last ones near the aim."""
    curve = {quality: sample.size(quality, coding)}
    while len(curve) < _MOST_TRIALS and not _CLOSE[0] <= curve[quality] / aim <= _CLOSE[1]:
        quality = _highest_fitting(curve, aim)
        if quality in curve:
            break
        curve[quality] = sample.size(quality, coding)
    return curve


class _Sample:
    """Tiles of a picture, and how much of the whole one theirs stands for."""

    def __init__(self, image: Image.Image, source: JpegSource | None) -> None:
        self._pixels = tile_sample(image)
        self._tiles = _tiles(self._pixels)
        self._all_tiles = _tiles(image)
        self._worth = self._all_tiles / self._tiles
        if source:
            coding = Coding(source.subsampling, source.fitted_huffman)
            known = source.scan_bytes / (_PROGRESSIVE if source.progressive else 1)
            detail = known - coding.empty_tile_bytes * self._all_tiles
            sampled = self._detail(encode_jpeg(self._pixels, source.tables, coding), coding)
            self._worth = max(detail / sampled, 1.0)

    def size(self, quality: int, coding: Coding) -> float:
        jpeg = encode_jpeg(self._pixels, tables(quality), coding)
        header = len(jpeg) - scan_bytes(jpeg)
        return header + coding.empty_tile_bytes * self._all_tiles + self._detail(jpeg, coding) * self._worth

    def _detail(self, jpeg: bytes, coding: Coding) -> float:
        return max(scan_bytes(jpeg) - coding.empty_tile_bytes * self._tiles, 1.0)


def _tiles(image: Image.Image) -> float:
    return image.width * image.height / 256


def _first_guess(source: JpegSource | None, limit: int) -> int:
    """The quality with halved chrominance."""
    if source is None:
        return 75
    coarse = mean_step(source.tables[0])
    known: float = source.scan_bytes * (_HALVED_CHROMINANCE if source.subsampling == (1, 1) else 1)
    return quality_of(coarse * (known / limit) ** (1 / _usual_fall(2 * coarse)) / luminance_step(50))


def _usual_fall(step: float) -> float:
    """How fast bytes fall with the scale of the quantiser, as logarithms: a mean over photographs.

    step: the mean of the quantiser; the coarser it already is, the faster they fall.
    """
    return min(max(0.45 + 0.12 * math.log(step), 0.3), 1.0)


def _highest_fitting(known: dict[int, float], aim: float) -> int:
    return QUALITIES[max(bisect_right(_curve_through(known), aim) - 1, 0)]


def _curve_through(known: dict[int, float]) -> list[float]:
    """The size at each of QUALITIES, never falling, from those at a few."""
    points = [(-math.log(scale_of(quality)), math.log(known[quality])) for quality in sorted(known)]
    points.insert(0, _beyond(min(known), points[0], -_FAR))
    points.append(_beyond(max(known), points[-1], _FAR))
    curve = np.interp(_FINENESS, [fineness for fineness, _ in points], [size for _, size in points])
    return [float(size) for size in np.exp(np.maximum.accumulate(curve))]


def _beyond(quality: int, point: tuple[float, float], distance: float) -> tuple[float, float]:
    fall = _usual_fall(luminance_step(quality))
    return point[0] + distance, point[1] + distance * fall
