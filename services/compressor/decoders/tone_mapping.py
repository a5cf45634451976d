"""Show a picture of high dynamic range in sRGB, as browsers do on a usual screen. Pure.

- Transfer functions and the HLG system gamma of 1.2 for a display of 1,000 nits: ITU-R BT.2100-2, tables 4 and 5.
- Diffuse white is at 203 nits: ITU-R BT.2408.
- The reference white tone mapping operator: SMPTE ST 2094-50, annex D. One gain for all channels, which depends on the
  largest one in BT.2020's primaries, so that hues do not change. Up to diffuse white the gain is constant; above it, a
  Bezier curve compresses the highlights.
- From BT.2020 to BT.709 by a matrix and clipping: ITU-R BT.2407, 2.
"""

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from services.compressor.decoders.cicp import PRIMARIES
from services.compressor.decoders.hdr import HLG, Hdr
from services.compressor.decoders.icc_writer import BT2020_PRIMARIES, SRGB_PRIMARIES, rgb_to_xyz
from services.compressor.decoders.pixel_modes import to_basic_mode

_Light = NDArray[np.float32]

WHITE_NITS = 203
_HLG_NITS = 1000
_DEFAULT_PEAK, _MAX_PEAK = 1000, 10_000  # nits
_MAX_HEADROOM = np.log2(_DEFAULT_PEAK / WHITE_NITS)  # in stops: with more, the gain of diffuse white does not fall
_LOWEST_WHITE, _KNEE_SHARPNESS = 0.5, 0.65

_HLG_WEIGHTS = np.array((0.2627, 0.6780, 0.0593), np.float32)
_HLG_GAMMA = 1.2
_CODES = np.arange(256) / 255
_BAND_PIXELS = 1 << 18  # converted at a time, since the numbers take twelve times the bytes of the pixels
_SQRT_STEPS = 4095


def to_sdr(image: Image.Image, hdr: Hdr) -> Image.Image:
    """The image in sRGB. In mode L, LA, RGB or RGBA."""
    image = to_basic_mode(image)
    if image.mode in ("L", "LA"):
        greys = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)
        grey = image.getchannel(0).point(_converted(greys, hdr)[:, 1].tolist())
        return Image.merge("LA", (grey, image.getchannel("A"))) if image.mode == "LA" else grey
    colours = image.convert("RGB")
    shown = Image.new("RGB", image.size)
    rows = max(1, _BAND_PIXELS // image.width)
    for top in range(0, image.height, rows):
        band = np.asarray(colours.crop((0, top, image.width, min(top + rows, image.height))))
        shown.paste(Image.fromarray(_converted(band, hdr)), (0, top))
    if image.mode == "RGBA":
        shown.putalpha(image.getchannel("A"))
    return shown


def _converted(pixels: NDArray[np.uint8], hdr: Hdr) -> NDArray[np.uint8]:
    """RGB pixels with any number of axes, the last one with the channels."""
    light: _Light = (_hlg_light(pixels) if hdr.transfer == HLG else _PQ_LIGHT[pixels]) @ _to_bt2020(hdr.primaries)
    light *= _gain(light.max(axis=-1), hdr.peak or _DEFAULT_PEAK)[..., None]
    steps = np.sqrt(np.clip(light @ _TO_BT709, 0, 1)) * _SQRT_STEPS
    codes: NDArray[np.uint8] = _SRGB_OF_SQRT[(steps + 0.5).astype(np.uint16)]
    return codes


def _gain(brightest: _Light, peak: int) -> _Light:
    """The factor for each pixel. brightest: its largest channel, in units of diffuse white."""
    headroom = np.log2(min(max(peak, WHITE_NITS), _MAX_PEAK) / WHITE_NITS)
    if headroom == 0:
        return np.ones_like(brightest)
    white = 1 - (1 - _LOWEST_WHITE) * min(headroom / _MAX_HEADROOM, 1)
    top = 2**headroom
    # A quadratic Bezier curve from (1, white) to (top, 1): x and y are polynomials of t.
    middle_x, middle_y = 1 + _KNEE_SHARPNESS * (1 / white - 1), white + _KNEE_SHARPNESS * (1 - white)
    x2, x1 = 1 - 2 * middle_x + top, 2 * middle_x - 2
    y2, y1 = white - 2 * middle_y + 1, 2 * middle_y - 2 * white
    x = np.clip(brightest, 1, top)
    t = (np.sqrt(x1 * x1 + 4 * x2 * (x - 1)) - x1) / (2 * x2)
    gain: _Light = (white + t * (y1 + t * y2)) / np.maximum(x, brightest)
    return gain


def _hlg_light(pixels: NDArray[np.uint8]) -> _Light:
    """Of a display of 1,000 nits, in units of diffuse white."""
    scene = _HLG_SCENE[pixels]
    light: _Light = scene * np.power(scene @ _HLG_WEIGHTS, _HLG_GAMMA - 1)[..., None] * (_HLG_NITS / WHITE_NITS)
    return light.astype(np.float32, copy=False)


@lru_cache
def _to_bt2020(primaries: int) -> NDArray[np.float32]:
    return _matrix(rgb_to_xyz(PRIMARIES[primaries]), rgb_to_xyz(BT2020_PRIMARIES))


def _matrix(source: NDArray[Any], target: NDArray[Any]) -> NDArray[np.float32]:
    """To multiply rows of pixels with from the right."""
    return np.asarray((np.linalg.inv(target) @ source).T, np.float32)


def _pq_light() -> _Light:
    """For each code, in units of diffuse white."""
    m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
    root = _CODES ** (1 / m2)
    return np.asarray((np.maximum(root - c1, 0) / (c2 - c3 * root)) ** (1 / m1) * (_MAX_PEAK / WHITE_NITS), np.float32)


def _hlg_scene() -> _Light:
    """The light of the scene for each code, from 0 to 1."""
    a = 0.17883277
    b = 1 - 4 * a
    c = 0.5 - a * np.log(4 * a)
    return np.asarray(np.where(_CODES <= 0.5, _CODES**2 / 3, (np.exp((_CODES - c) / a) + b) / 12), np.float32)


def _srgb_of_sqrt() -> NDArray[np.uint8]:
    """sRGB's code for each step of the square root of light, which spreads the steps as the eye sees them."""
    light = (np.arange(_SQRT_STEPS + 1) / _SQRT_STEPS) ** 2
    code = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return (code * 255).round().astype(np.uint8)


_PQ_LIGHT, _HLG_SCENE, _SRGB_OF_SQRT = _pq_light(), _hlg_scene(), _srgb_of_sqrt()
_TO_BT709 = _matrix(rgb_to_xyz(BT2020_PRIMARIES), rgb_to_xyz(SRGB_PRIMARIES))
