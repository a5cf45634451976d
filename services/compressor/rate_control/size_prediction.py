"""Predict the bytes that an encoder takes at each quality, from a sample of the picture.

The sample is encoded at one or two qualities near the limit. The sample's size is scaled to the whole picture by the
ratio of quick JPEG sizes: a JPEG takes a fiftieth of the time and measures how much busier the picture is than its
sample. The constants of each model were fitted to photographs, product shots, screenshots and line art of 0.01 to 2
megapixels.
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

MARGIN = 0.02  # as a logarithm: an encode just above the limit is wasted, one a little below it is not
_REFERENCE_QUALITY = 50
_NEAR = 3  # qualities: one sample predicts its neighbours well enough


@dataclass(frozen=True, slots=True)
class RateModel:
    """How an encoder's bytes depend on quality and content.

    curve: pairs of a quality and the logarithm of the bytes that a typical picture takes there, relative to a JPEG of
        quality 50.
    at_50, slope: weights that correct the sample's size, as a logarithm, to the whole picture's: at quality 50, and
        their change per 50 qualities. The five factors are 1; the logarithm of a JPEG's bytes per pixel; how much
        busier the picture is than the sample; the sample's tile borders; and the second times the fourth.
    """

    curve: tuple[tuple[int, float], ...]
    at_50: tuple[float, float, float, float, float]
    slope: tuple[float, float, float, float, float]


def predict_sizes(
    image: Image.Image, encoded_bytes: Callable[[Image.Image, int], int], model: RateModel, limit: float
) -> list[float]:
    """Predicted bytes for each of QUALITIES, most accurate near the limit. A tiny picture gets the typical curve.

    encoded_bytes: the bytes of an image at a quality.
    """
    curve = typical_curve(model)
    jpeg_bytes = _jpeg_scan_bytes(image)
    typical = curve + math.log(jpeg_bytes)
    sample = activity_sample(image)
    if sample is None:
        return to_bytes(typical)
    scaling = _SampleScaling(image, sample, jpeg_bytes, model)
    # Headers do not grow with the pixels: 300 bytes in an AVIF, a third of a small sample.
    header = encoded_bytes(Image.new(image.mode, (8, 8)), _REFERENCE_QUALITY)

    def predicted(index: int) -> float:
        quality = QUALITIES[index]
        return scaling.log_bytes(encoded_bytes(sample.image, quality) - header, quality)

    first = _last_fitting(typical, limit - header)
    known = {first: predicted(first)}
    second = _last_fitting(typical + known[first] - typical[first], limit - header)
    if abs(second - first) >= _NEAR:
        known[second] = predicted(second)
    return [size + header for size in to_bytes(fit_curve(curve, known) + MARGIN)]


def typical_curve(model: RateModel) -> NDArray[np.float64]:
    """The typical logarithm of bytes for each of QUALITIES. Only its differences are meaningful."""
    points = np.array(model.curve)
    logarithms: NDArray[np.float64] = np.interp(np.array(QUALITIES), points[:, 0], points[:, 1])
    return logarithms


class _SampleScaling:
    """Scales a sample's bytes to the whole picture."""

    def __init__(self, image: Image.Image, sample: ActivitySample, jpeg_bytes: int, model: RateModel) -> None:
        pixels, sampled = image.width * image.height, sample.image.width * sample.image.height
        self._log_area_ratio = math.log(pixels / sampled)
        density = math.log(jpeg_bytes / pixels)
        busier = math.log(jpeg_bytes / _jpeg_scan_bytes(sample.image)) - self._log_area_ratio
        self._factors = np.array((1.0, density, busier, sample.borders, sample.borders * density))
        self._model = model

    def log_bytes(self, sample_bytes: int, quality: int) -> float:
        """The logarithm of the whole picture's bytes, if its sample takes `sample_bytes`."""
        position = (quality - _REFERENCE_QUALITY) / _REFERENCE_QUALITY
        weights = np.array(self._model.at_50) + np.array(self._model.slope) * position
        return math.log(max(sample_bytes, 1)) + self._log_area_ratio + float(weights @ self._factors)


def _last_fitting(logarithms: NDArray[np.float64], limit: float) -> int:
    """The index of the last quality that fits; 0 if none does."""
    return max(int(np.searchsorted(logarithms, math.log(max(limit, 1)), side="right")) - 1, 0)


def fit_curve(curve: NDArray[np.float64], known: dict[int, float]) -> NDArray[np.float64]:
    """The curve, shifted and stretched to the first and last known point (index to logarithm)."""
    low, high = min(known), max(known)
    stretch = (known[high] - known[low]) / (curve[high] - curve[low]) if high > low else 1.0
    fitted: NDArray[np.float64] = known[low] + (curve - curve[low]) * min(max(stretch, 0.3), 3.0)
    return fitted


def to_bytes(logarithms: NDArray[np.float64]) -> list[float]:
    return [float(size) for size in np.exp(logarithms)]


def _jpeg_scan_bytes(image: Image.Image) -> int:
    """The bytes of the pixels alone in a JPEG of quality 50."""
    convertible = image if image.mode in ("L", "RGB", "RGBX") else image.convert("RGB")
    header = _jpeg_bytes(Image.new(convertible.mode, (8, 8)))
    return max(_jpeg_bytes(convertible) - header, 1)


def _jpeg_bytes(image: Image.Image) -> int:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=50, subsampling="4:2:0")
    return len(out.getvalue())
