"""Structural similarity (SSIM) of a result and its original, measured on luminance. Pure.

Z. Wang, A. Bovik, H. Sheikh, E. Simoncelli: Image quality assessment: from error visibility to structural similarity,
2004. As in x264, over square windows of 8 x 8 pixels, one every 4 pixels. Of a large picture only some bands are
measured.
"""

import contextlib
import io

import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import Image

from services.compressor.decoders import apply_colour_key, flatten_on_white

_JPEG = b"\xff\xd8"
_STEP = 4
_WINDOW_PIXELS = 64
_SAMPLED_PIXELS = 120_000
_BAND_ROWS = 24
_C1 = (0.01 * 255) ** 2
_C2 = (0.03 * 255) ** 2

_Plane = NDArray[np.float32]  # precise enough: the products stay below 2**29


def ssim(original: Image.Image, result: bytes) -> float | None:
    """1.0 if they are equal, about 0 if they have nothing in common. Animations are compared by their first frame.

    original: decoded, upright and in the result's size. Returns None if the picture is smaller than a window.
    """
    if min(original.size) < 2 * _STEP:
        return None
    decoded = _decoded(result)
    similarity = [
        _windowed_ssim(_luminance(original, top, rows), _luminance(decoded, top, rows))
        for top, rows in _bands(*original.size)
    ]
    return round(float(np.mean(np.concatenate(similarity))), 4)


def _decoded(result: bytes) -> Image.Image:
    if result.startswith(_JPEG):
        with contextlib.suppress(ValueError):  # an original without its metadata may be of an unusual kind
            pixels = simplejpeg.decode_jpeg(result, "GRAY", strict=False)
            return Image.frombuffer("L", pixels.shape[1::-1], pixels, "raw", "L", 0, 1)
    image = Image.open(io.BytesIO(result))
    image.load()
    if image.format == "PNG":
        apply_colour_key(image, result)
    return image


def _bands(width: int, height: int) -> list[tuple[int, int]]:
    """The top row and the number of rows of each band."""
    count = max(4, _SAMPLED_PIXELS // (width * _BAND_ROWS))
    if height <= count * _BAND_ROWS:
        return [(0, height)]
    return [(index * (height - _BAND_ROWS) // (count - 1), _BAND_ROWS) for index in range(count)]


def _luminance(image: Image.Image, top: int, rows: int) -> _Plane:
    band = image.crop((0, top, image.width, top + rows))
    band.info = image.info  # keeps a palette's transparency
    grey = flatten_on_white(band)
    return np.asarray(grey.convert("RGB").convert("L") if grey.mode == "RGBX" else grey.convert("L"), np.float32)


def _windowed_ssim(one: _Plane, other: _Plane) -> _Plane:
    """The SSIM of each window."""
    sum1, sum2 = _windows(one), _windows(other)
    variances = _windows(one * one + other * other) * _WINDOW_PIXELS - sum1 * sum1 - sum2 * sum2
    covariance = _windows(one * other) * _WINDOW_PIXELS - sum1 * sum2
    c1, c2 = _C1 * _WINDOW_PIXELS**2, _C2 * _WINDOW_PIXELS * (_WINDOW_PIXELS - 1)
    luminance = (2 * sum1 * sum2 + c1) / (sum1 * sum1 + sum2 * sum2 + c1)
    similarity: _Plane = luminance * (2 * covariance + c2) / (variances + c2)
    return similarity.ravel()


def _windows(plane: _Plane) -> _Plane:
    """The sum of each window of 8 x 8."""
    rows, columns = plane.shape[0] // _STEP, plane.shape[1] // _STEP
    lines = plane[: rows * _STEP].reshape(rows, _STEP, -1).sum(axis=1)
    cells = sum(lines[:, shift : columns * _STEP : _STEP] for shift in range(_STEP))
    windows: _Plane = cells[:-1, :-1] + cells[1:, :-1] + cells[:-1, 1:] + cells[1:, 1:]
    return windows
