"""Structural similarity (SSIM) of a result and its original, in luminance and chrominance. Pure.

Z. Wang, A. Bovik, H. Sheikh, E. Simoncelli: Image quality assessment: from error visibility to structural similarity,
2004. As in x264, over square windows of 8 x 8 pixels, one every 4 pixels. Of a large picture only some bands are
measured. Both chrominances are compared as one vector, with constants four times those of luminance, because the eye
sees colour less sharply. A window's similarity is the product of both: neither hides a loss of the other.
"""

import contextlib
import io
from collections.abc import Sequence

import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import Image

from services.compressor.decoders import RESTART_ROWS, apply_colour_key, flatten_on_white, rows_between_restarts

_JPEG = b"\xff\xd8"
_STEP = 4
_WINDOW_PIXELS = 64
_SAMPLED_PIXELS = 120_000
_BAND_ROWS = 24
_BAND_IN_INTERVAL = (RESTART_ROWS - _BAND_ROWS) // 2  # away from its edges, whose neighbours are not decoded
_LUMINANCE_C1, _LUMINANCE_C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
_CHROMINANCE_C = (0.12 * 255) ** 2
# Of YCbCr (JFIF 1.02).
_RED, _GREEN, _BLUE = 0.299, 0.587, 0.114
_BLUE_DIFFERENCE, _RED_DIFFERENCE = 0.5 / (1 - _BLUE), 0.5 / (1 - _RED)

_Pixels = NDArray[np.uint8]
_Planes = NDArray[np.float32]  # precise enough: the products stay below 2**29
_Band = tuple[int, int]
"""The top row and the number of rows."""


def ssim(original: Image.Image, result: bytes) -> float | None:
    """1.0 if they are equal, about 0 if they have nothing in common. Animations are compared by their first frame.

    original: decoded, upright and in the result's size. Returns None if the picture is smaller than a window.
    """
    if min(original.size) < 2 * _STEP:
        return None
    bands = _bands(*original.size)
    similarity = [
        _windowed_similarity(_planes(_pixels(original, band)), _planes(pixels))
        for band, pixels in zip(bands, _result_pixels(result, bands), strict=True)
    ]
    return round(float(np.mean(np.concatenate(similarity))), 4)


def _pixels(image: Image.Image, band: _Band) -> _Pixels:
    """Of a band on white, in RGB or RGBX."""
    top, rows = band
    part = image.crop((0, top, image.width, top + rows))
    part.info = image.info  # keeps a palette's transparency
    flat = flatten_on_white(part)
    return np.asarray(flat.convert("RGB") if flat.mode == "L" else flat)


def _result_pixels(result: bytes, bands: Sequence[_Band]) -> list[_Pixels]:
    if result.startswith(_JPEG):
        with contextlib.suppress(ValueError):  # an original without its metadata may be of an unusual kind
            return _jpeg_pixels(result, bands)
    image = Image.open(io.BytesIO(result))
    image.load()
    if image.format == "PNG":
        apply_colour_key(image, result)
    return [_pixels(image, band) for band in bands]


def _jpeg_pixels(jpeg: bytes, bands: Sequence[_Band]) -> list[_Pixels]:
    """Raises ValueError for what libjpeg-turbo does not decode to RGB."""
    parts = rows_between_restarts(jpeg)
    if parts:
        return [parts.decode(top, rows) for top, rows in bands]
    pixels: _Pixels = simplejpeg.decode_jpeg(jpeg, "RGBX", strict=False)
    return [pixels[top : top + rows] for top, rows in bands]


def _bands(width: int, height: int) -> list[_Band]:
    """Distant ones lie within the intervals of our JPEGs."""
    count = max(4, _SAMPLED_PIXELS // (width * _BAND_ROWS))
    if height <= count * _BAND_ROWS:
        return [(0, height)]
    last = height - _BAND_ROWS
    tops = [index * last // (count - 1) for index in range(count)]
    if last // (count - 1) >= RESTART_ROWS:
        tops = [min(top // RESTART_ROWS * RESTART_ROWS + _BAND_IN_INTERVAL, last) for top in tops]
    return [(top, _BAND_ROWS) for top in tops]


def _planes(pixels: _Pixels) -> _Planes:
    """Luminance, and both chrominances around 0. Not by a matrix product, for which BLAS would use several threads."""
    planes: _Planes = np.empty((3, *pixels.shape[:2]), np.float32)
    luminance, blue, red = planes
    blue[:], red[:] = pixels[..., 2], pixels[..., 0]
    np.multiply(pixels[..., 1], np.float32(_GREEN), out=luminance)
    luminance += _RED * red
    luminance += _BLUE * blue
    blue -= luminance
    blue *= _BLUE_DIFFERENCE
    red -= luminance
    red *= _RED_DIFFERENCE
    return planes


def _windowed_similarity(one: _Planes, other: _Planes) -> _Planes:
    """Of each window."""
    squares, products = one * one + other * other, one * other
    sums1, sums2 = _windows(one), _windows(other)
    squared_sums, multiplied_sums = sums1 * sums1 + sums2 * sums2, sums1 * sums2
    moments = _windows(np.stack((squares[0], products[0], squares[1] + squares[2], products[1] + products[2])))
    luminance = _ssim(squared_sums[0], multiplied_sums[0], moments[:2], (_LUMINANCE_C1, _LUMINANCE_C2))
    chrominance = _ssim(
        squared_sums[1] + squared_sums[2],
        multiplied_sums[1] + multiplied_sums[2],
        moments[2:],
        (_CHROMINANCE_C, _CHROMINANCE_C),
    )
    # Not the product of two negative ones: an inverted picture would be similar.
    similarity: _Planes = luminance * np.maximum(chrominance, 0)
    return similarity.ravel()


def _ssim(squared_sums: _Planes, multiplied_sums: _Planes, moments: _Planes, constants: tuple[float, float]) -> _Planes:
    """Equation 13 of Wang et al. for windows of `_WINDOW_PIXELS`, or of a vector, whose terms are added.

    squared_sums: the squares of both sums, added. multiplied_sums: the product of both sums. moments: the sums of the
    squares of all pixels, and of their products.
    """
    c1, c2 = constants[0] * _WINDOW_PIXELS**2, constants[1] * _WINDOW_PIXELS * (_WINDOW_PIXELS - 1)
    variances, covariance = moments[0] * _WINDOW_PIXELS - squared_sums, moments[1] * _WINDOW_PIXELS - multiplied_sums
    means = np.maximum((2 * multiplied_sums + c1) / (squared_sums + c1), 0)  # negative for opposite hues
    similarity: _Planes = means * (2 * covariance + c2) / (variances + c2)
    return similarity


def _windows(planes: _Planes) -> _Planes:
    """The sum of each window of 8 x 8."""
    rows, columns = planes.shape[1] // _STEP, planes.shape[2] // _STEP
    lines = planes[:, : rows * _STEP].reshape(len(planes), rows, _STEP, -1).sum(axis=2)
    cells = sum(lines[..., shift : columns * _STEP : _STEP] for shift in range(_STEP))
    pairs = cells[:, :-1] + cells[:, 1:]
    windows: _Planes = pairs[..., :-1] + pairs[..., 1:]
    return windows
