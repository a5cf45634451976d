"""How many bytes a JPEG will take at each quality, from a sample of its tiles. See docs/compression.md.

The sample is encoded at a quality near the one that will fit. Where the original is a JPEG, the sample is also encoded
with the original's own tables: what the original takes beside that says how much the rest of the picture holds beside
the sample, and most of the sample's error is gone. Around the qualities that were tried, the logarithm of the size
falls in proportion to the logarithm of the quantiser's scale.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from PIL import Image

from services.compressor.decoders import JpegSource
from services.compressor.encoders.jpeg.chrominance import HALVED, subsampling_for
from services.compressor.encoders.jpeg.jpeg_file import Coding, encode_jpeg, scan_bytes
from services.compressor.encoders.jpeg.quantisation import (
    luminance_step,
    mean_step,
    quality_of,
    quantisation_tables,
    scale_of,
)
from services.compressor.rate_control import QUALITIES, tile_sample

_MAX_TRIALS = 5
_CLOSE = (0.95, 1.03)
_MARGIN = 1.02
"""Sizes are given a little too large: a picture that turns out too large costs an encode, one too small only beauty."""

_HEADER_BYTES = 500  # of a JPEG without metadata
_PROGRESSIVE = 0.97  # of a sequential file's bytes are what a progressive one takes
_HALVED_CHROMINANCE = 0.85  # of the bytes are left when a source of full chrominance gets half
_FINENESS = [-math.log(scale_of(quality)) for quality in QUALITIES]
_EXACT = 1e-9
_FALLS = (0.2, 1.3)
_FAR = 10.0  # beyond any quality, as a logarithm of the scale
_SMALL_PIXELS = 300_000
_WORTH_FITTING = ((60, 0.05), (100, 0.12))
"""The part of the bytes that Huffman tables fitted to a picture must save, up to a quality; making them takes half as
long again. The coarser a picture already is, the more a few bytes do for it."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """sizes: expected bytes for each of QUALITIES. coding: Huffman tables are fitted to the picture if that pays."""

    sizes: Sequence[float]
    coding: Coding


def predict(image: Image.Image, source: JpegSource | None, limit: int) -> Prediction:
    """What a picture in mode L, RGB or RGBX will take, above all near `limit` bytes, and how it is best coded."""
    sample, aim = _Sample(image, source), limit / _MARGIN
    coding = Coding(HALVED, optimised_huffman=True)
    curve = _curve_near(aim, _first_guess(source, sample, limit), sample, coding)
    quality = _highest_fitting(curve, aim)
    subsampling = subsampling_for(image, source, quality)
    if subsampling != HALVED and quality < QUALITIES[-1]:  # there, less of everything else would be lost for it
        coding = replace(coding, subsampling=subsampling)
        curve = _curve_near(aim, quality, sample, coding)
    if image.width * image.height > _SMALL_PIXELS:
        quality, fitted = list(curve.items())[-1]
        plain = sample.size(quality, replace(coding, optimised_huffman=False))
        worth = next(gain for most, gain in _WORTH_FITTING if quality <= most)
        if fitted > (1 - worth) * plain:
            coding = replace(coding, optimised_huffman=False)
            curve = _curve_near(aim, _highest_fitting({quality: plain}, aim), sample, coding)
    return Prediction([_MARGIN * size for size in _curve_through(curve)], coding)


def _curve_near(aim: float, quality: int, sample: "_Sample", coding: Coding) -> dict[int, float]:
    """The size at a few qualities, the first one given, the last ones near the aim."""
    curve = {quality: sample.size(quality, coding)}
    while len(curve) < _MAX_TRIALS and not _CLOSE[0] <= curve[quality] / aim <= _CLOSE[1]:
        quality = _highest_fitting(curve, aim)
        if quality in curve:
            break
        curve[quality] = sample.size(quality, coding)
    return curve


class _Sample:
    """Tiles of a picture, and how much of the whole one theirs stands for.

    all_tiles: their number in the whole picture. detail: the bytes of the original beyond those of empty tiles.
    """

    def __init__(self, image: Image.Image, source: JpegSource | None) -> None:
        self._pixels = tile_sample(image)
        self._number = _tiles(self._pixels)
        self.all_tiles = _tiles(image)
        self.detail: float | None = None
        self._worth = self.all_tiles / self._number
        if source:
            coding = Coding(source.subsampling, source.optimised_huffman)
            known = source.scan_bytes / (_PROGRESSIVE if source.progressive else 1)
            self.detail = max(known - coding.empty_tile_bytes * self.all_tiles, 1.0)
            sampled = self._detail(encode_jpeg(self._pixels, source.tables, coding), coding)
            self._worth = max(self.detail / sampled, 1.0)

    def size(self, quality: int, coding: Coding) -> float:
        """What the whole picture should take."""
        jpeg = encode_jpeg(self._pixels, quantisation_tables(quality), coding)
        header = len(jpeg) - scan_bytes(jpeg)
        return header + coding.empty_tile_bytes * self.all_tiles + self._detail(jpeg, coding) * self._worth

    def _detail(self, jpeg: bytes, coding: Coding) -> float:
        return max(scan_bytes(jpeg) - coding.empty_tile_bytes * self._number, 1.0)


def _tiles(image: Image.Image) -> float:
    return image.width * image.height / 256


def _first_guess(source: JpegSource | None, sample: "_Sample", limit: int) -> int:
    """The quality with halved chrominance, from how the detail of the original was quantised."""
    if source is None or sample.detail is None:
        return 75
    coarse = mean_step(source.tables[0])
    known = sample.detail * (_HALVED_CHROMINANCE if source.subsampling == (1, 1) else 1)
    wanted = max(
        limit - _HEADER_BYTES - Coding(HALVED, optimised_huffman=True).empty_tile_bytes * sample.all_tiles, limit / 8
    )
    return quality_of(coarse * (known / wanted) ** (1 / _usual_fall(2 * coarse)) / luminance_step(50))


def _usual_fall(step: float) -> float:
    """How fast bytes fall with the scale of the quantiser, as logarithms: a mean over photographs.

    step: the mean of the quantiser; the coarser it already is, the faster they fall.
    """
    return min(max(0.45 + 0.12 * math.log(step), 0.3), 1.0)


def _highest_fitting(known: dict[int, float], aim: float) -> int:
    """The highest quality whose size is at most the aim, as far as the sizes at a few tell."""
    finenesses, sizes = _points(known)
    fineness = float(np.interp(math.log(aim), np.maximum.accumulate(sizes), finenesses))
    quality = quality_of(math.exp(-fineness))
    return quality - 1 if _FINENESS[quality - 1] > fineness + _EXACT and quality > 1 else quality


def _curve_through(known: dict[int, float]) -> list[float]:
    """The size at each of QUALITIES, never falling, from those at a few."""
    curve = np.interp(_FINENESS, *_points(known))
    return [float(size) for size in np.exp(np.maximum.accumulate(curve))]


def _points(known: dict[int, float]) -> tuple[list[float], list[float]]:
    """Fineness and size, both as logarithms, at the known qualities and far beyond them."""
    points = [(_FINENESS[quality - 1], math.log(known[quality])) for quality in sorted(known)]
    usual = _usual_fall(luminance_step(min(known)))
    falls = [(right[1] - left[1]) / (right[0] - left[0]) for left, right in pairwise(points)]
    falls = [(usual + min(max(fall, _FALLS[0]), _FALLS[1])) / 2 for fall in falls] or [usual]
    (first, least), (last, most) = points[0], points[-1]
    points = [(first - _FAR, least - _FAR * falls[0]), *points, (last + _FAR, most + _FAR * falls[-1])]
    return [fineness for fineness, _ in points], [size for _, size in points]
