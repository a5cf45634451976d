"""How many bytes each quality of an encoder will take, foretold from a mosaic of the picture.

The encoder is asked about the mosaic at one or two qualities near the limit. From there to the whole picture leads the
bytes that a JPEG of each takes: it is made in a fiftieth of the time, and says how much busier the picture is than its
mosaic. The constants were fitted to photographs, product shots, screenshots and line art of 0.01 to 2 megapixels.
"""

import io
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from services.compressor.rate_control.activity_sampling import ActivitySample, activity_sample
from services.compressor.rate_control.ladder import QUALITIES

_AIM = 0.02  # an encode that just fails is lost, one that stays a little below the limit is not
_MIDDLE = 50
_NEAR = 3  # qualities: one sample says enough about the next ones


@dataclass(frozen=True, slots=True)
class RateModel:
    """How an encoder spends bytes.

    curve: qualities, and the logarithm of the bytes that a picture usually takes there, relative to a JPEG of
        quality 50.
    at_50, slope: what a picture takes beyond its mosaic, as a logarithm: weights of 1, of the logarithm of a JPEG's
        bytes a pixel, of how much busier the picture is, of the tiles' borders, and of the second and the fourth
        together; at quality 50, and their change by 50 further.
    """

    curve: tuple[tuple[int, float], ...]
    at_50: tuple[float, float, float, float, float]
    slope: tuple[float, float, float, float, float]


def predict_sizes(
    image: Image.Image, encoded_bytes: Callable[[Image.Image, int], int], rate: RateModel, limit: float
) -> list[float]:
    """For each of QUALITIES; the nearer the limit, the better. A tiny picture gets the usual curve only."""
    curve = typical_curve(rate)
    weight = _jpeg_bytes(image)
    usual = curve + math.log(weight)
    sample = activity_sample(image)
    if sample is None:
        return sizes(usual)
    correction = _Correction(image, sample, weight, rate)
    # What stands around the pixels is there but once: 300 bytes in an AVIF, a third of a small mosaic.
    empty = encoded_bytes(Image.new(image.mode, (8, 8)), _MIDDLE)

    def foretold(at: int) -> float:
        quality = QUALITIES[at]
        return correction.logarithm(encoded_bytes(sample.image, quality) - empty, quality)

    first = _reached(usual, limit - empty)
    known = {first: foretold(first)}
    second = _reached(usual + known[first] - usual[first], limit - empty)
    if abs(second - first) >= _NEAR:
        known[second] = foretold(second)
    return [size + empty for size in sizes(fit_curve(curve, known) + _AIM)]


def typical_curve(rate: RateModel) -> NDArray[np.float64]:
    """What each of QUALITIES usually takes: logarithms, of which only the differences are meant."""
    points = np.array(rate.curve)
    logarithms: NDArray[np.float64] = np.interp(np.array(QUALITIES), points[:, 0], points[:, 1])
    return logarithms


class _Correction:
    def __init__(self, image: Image.Image, sample: ActivitySample, weight: int, rate: RateModel) -> None:
        pixels, sampled = image.width * image.height, sample.image.width * sample.image.height
        self._larger = math.log(pixels / sampled)
        density = math.log(weight / pixels)
        busier = math.log(weight / _jpeg_bytes(sample.image)) - self._larger
        self._factors = np.array((1.0, density, busier, sample.borders, sample.borders * density))
        self._rate = rate

    def logarithm(self, sample_bytes: int, quality: int) -> float:
        """Of the whole picture's bytes, if its mosaic takes so many."""
        weights = np.array(self._rate.at_50) + np.array(self._rate.slope) * (quality - _MIDDLE) / _MIDDLE
        return math.log(max(sample_bytes, 1)) + self._larger + float(weights @ self._factors)


def _reached(logarithms: NDArray[np.float64], limit: float) -> int:
    """The index of the last quality that fits."""
    return max(int(np.searchsorted(logarithms, math.log(max(limit, 1)), side="right")) - 1, 0)


def fit_curve(curve: NDArray[np.float64], known: dict[int, float]) -> NDArray[np.float64]:
    """The curve, moved and stretched so that it goes through the known points."""
    low, high = min(known), max(known)
    stretch = (known[high] - known[low]) / (curve[high] - curve[low]) if high > low else 1.0
    moved: NDArray[np.float64] = known[low] + (curve - curve[low]) * min(max(stretch, 0.3), 3.0)
    return moved


def sizes(logarithms: NDArray[np.float64]) -> list[float]:
    return [float(size) for size in np.exp(logarithms)]


def _jpeg_bytes(image: Image.Image) -> int:
    """Of a JPEG's pixels alone, at quality 50."""
    plain = image if image.mode in ("L", "RGB", "RGBX") else image.convert("RGB")
    empty = _jpeg_length(Image.new(plain.mode, (8, 8)))
    return max(_jpeg_length(plain) - empty, 1)


def _jpeg_length(image: Image.Image) -> int:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=50, subsampling="4:2:0")
    return len(out.getvalue())
