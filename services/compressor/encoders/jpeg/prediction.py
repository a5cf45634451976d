"""Predict the bytes of a JPEG at each quality from a sample of its tiles. See docs/compression.md.

The sample is encoded at a quality near the one that will fit. If the original is a JPEG, the sample is also encoded
with the original's own tables. The ratio of the original's bytes to the sample's then measures how much more detail
the whole picture has than the sample, which removes most of the sampling error. Between the sampled qualities, the
logarithm of the size falls linearly with the logarithm of the quantiser's scale.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from PIL import Image

from services.compressor.decoders import JpegSource
from services.compressor.encoders.chrominance_loss import HALVED, finest_subsampling
from services.compressor.encoders.jpeg.chrominance import subsampling_for
from services.compressor.encoders.jpeg.jpeg_file import Coding, encode_jpeg, scan_bytes
from services.compressor.encoders.jpeg.quantisation import (
    luminance_step,
    mean_step,
    quality_of,
    quantisation_tables,
    scale_of,
)
from services.compressor.rate_control import QUALITIES, tile_sample

_MAX_SAMPLE_ENCODES = 5
_CLOSE = (0.95, 1.03)  # relative to the target
_MARGIN = 1.02
"""Sizes are predicted a little too large: a result above the limit costs an encode, one below it a little quality."""

_HEADER_BYTES = 500  # of a JPEG without metadata
_PROGRESSIVE = 0.97  # bytes of a progressive file relative to a sequential one
_HALVED_CHROMINANCE = 0.85  # bytes that remain when full chrominance resolution is halved
_FINENESS = [-math.log(scale_of(quality)) for quality in QUALITIES]
_EXACT = 1e-9
_SLOPES = (0.2, 1.3)  # plausible ones
_FAR = 10.0  # beyond any quality, as a logarithm of the scale
_SMALL_PIXELS = 300_000
_MIN_HUFFMAN_GAIN = ((60, 0.05), (100, 0.12))
"""The part of the bytes that optimised Huffman tables must save, up to a quality.

Computing them takes half as long again. The lower the quality, the more a few bytes improve it.
"""


@dataclass(frozen=True, slots=True)
class Prediction:
    """sizes: predicted bytes for each of QUALITIES. coding: the best one near the limit."""

    sizes: Sequence[float]
    coding: Coding


def predict(image: Image.Image, source: JpegSource | None, limit: int) -> Prediction:
    """Predict the sizes of a picture and choose its coding; most accurate near `limit` bytes.

    image: in mode L, RGB or RGBX.
    """
    sample, target = _Sample(image, source), limit / _MARGIN
    coding = Coding(HALVED, optimised_huffman=True)
    curve = _curve_near(target, _first_guess(source, sample, limit), sample, coding)
    quality = _highest_fitting(curve, target)
    subsampling = subsampling_for(image, source, quality, is_free=_fits_in_full(sample, source, quality, target))
    if subsampling != HALVED:
        coding = replace(coding, subsampling=subsampling)
        curve = _curve_near(target, quality, sample, coding)
    if image.width * image.height > _SMALL_PIXELS:
        quality, optimised = list(curve.items())[-1]
        standard = sample.size(quality, replace(coding, optimised_huffman=False))
        min_gain = next(gain for max_quality, gain in _MIN_HUFFMAN_GAIN if quality <= max_quality)
        if optimised > (1 - min_gain) * standard:
            coding = replace(coding, optimised_huffman=False)
            curve = _curve_near(target, _highest_fitting({quality: standard}, target), sample, coding)
    return Prediction([_MARGIN * size for size in _curve_through(curve)], coding)


def _fits_in_full(sample: "_Sample", source: JpegSource | None, quality: int, target: float) -> bool:
    """Whether the highest quality fits although chrominance keeps the source's resolution."""
    finest = finest_subsampling(source)
    if quality < QUALITIES[-1] or finest == HALVED:
        return False
    return sample.size(quality, Coding(finest, optimised_huffman=True)) <= target


def _curve_near(target: float, quality: int, sample: "_Sample", coding: Coding) -> dict[int, float]:
    """Predicted sizes at a few qualities, from the given one towards the target."""
    curve = {quality: sample.size(quality, coding)}
    while len(curve) < _MAX_SAMPLE_ENCODES and not _CLOSE[0] <= curve[quality] / target <= _CLOSE[1]:
        quality = _highest_fitting(curve, target)
        if quality in curve:
            break
        curve[quality] = sample.size(quality, coding)
    return curve


class _Sample:
    """Tiles of a picture, and the factor from their bytes to the whole picture's.

    all_tiles: the number of tiles in the whole picture. detail: the bytes of the original JPEG beyond those of empty
        tiles; None if the original is not a JPEG.
    """

    def __init__(self, image: Image.Image, source: JpegSource | None) -> None:
        self._pixels = tile_sample(image)
        self._tiles_sampled = _tiles(self._pixels)
        self.all_tiles = _tiles(image)
        self.detail: float | None = None
        self._factor = self.all_tiles / self._tiles_sampled
        if source:
            coding = Coding(source.subsampling, source.optimised_huffman)
            sequential = source.scan_bytes / (_PROGRESSIVE if source.progressive else 1)
            self.detail = max(sequential - coding.empty_tile_bytes * self.all_tiles, 1.0)
            sampled = self._detail(encode_jpeg(self._pixels, source.tables, coding), coding)
            self._factor = max(self.detail / sampled, 1.0)

    def size(self, quality: int, coding: Coding) -> float:
        """The predicted bytes of the whole picture."""
        jpeg = encode_jpeg(self._pixels, quantisation_tables(quality), coding)
        header = len(jpeg) - scan_bytes(jpeg)
        return header + coding.empty_tile_bytes * self.all_tiles + self._detail(jpeg, coding) * self._factor

    def _detail(self, jpeg: bytes, coding: Coding) -> float:
        return max(scan_bytes(jpeg) - coding.empty_tile_bytes * self._tiles_sampled, 1.0)


def _tiles(image: Image.Image) -> float:
    return image.width * image.height / 256


def _first_guess(source: JpegSource | None, sample: "_Sample", limit: int) -> int:
    """A quality with halved chrominance, from the original's bytes and the coarseness of its tables."""
    if source is None or sample.detail is None:
        return 75
    coarse = mean_step(source.tables[0])
    detail = sample.detail * (_HALVED_CHROMINANCE if source.subsampling == (1, 1) else 1)
    wanted = max(
        limit - _HEADER_BYTES - Coding(HALVED, optimised_huffman=True).empty_tile_bytes * sample.all_tiles, limit / 8
    )
    return quality_of(coarse * (detail / wanted) ** (1 / _typical_slope(2 * coarse)) / luminance_step(50))


def _typical_slope(step: float) -> float:
    """How fast bytes fall as the quantiser becomes coarser, both as logarithms: a mean over photographs.

    step: the quantiser's mean step. The coarser it is, the faster the bytes fall.
    """
    return min(max(0.45 + 0.12 * math.log(step), 0.3), 1.0)


def _highest_fitting(known: dict[int, float], target: float) -> int:
    """The highest quality whose interpolated size is at most the target."""
    finenesses, sizes = _points(known)
    fineness = float(np.interp(math.log(target), np.maximum.accumulate(sizes), finenesses))
    quality = quality_of(math.exp(-fineness))
    return quality - 1 if _FINENESS[quality - 1] > fineness + _EXACT and quality > 1 else quality


def _curve_through(known: dict[int, float]) -> list[float]:
    """The size at each of QUALITIES, never decreasing, interpolated from those at a few."""
    curve = np.interp(_FINENESS, *_points(known))
    return [float(size) for size in np.exp(np.maximum.accumulate(curve))]


def _points(known: dict[int, float]) -> tuple[list[float], list[float]]:
    """Fineness and size, both as logarithms, at the known qualities and extrapolated far beyond them."""
    points = [(_FINENESS[quality - 1], math.log(known[quality])) for quality in sorted(known)]
    typical = _typical_slope(luminance_step(min(known)))
    slopes = [(right[1] - left[1]) / (right[0] - left[0]) for left, right in pairwise(points)]
    slopes = [(typical + min(max(slope, _SLOPES[0]), _SLOPES[1])) / 2 for slope in slopes] or [typical]
    (first, least), (last, most) = points[0], points[-1]
    points = [(first - _FAR, least - _FAR * slopes[0]), *points, (last + _FAR, most + _FAR * slopes[-1])]
    return [fineness for fineness, _ in points], [size for _, size in points]
