"""About how many bytes an encoder will need, for the first guesses of the search.

The curves are means over photographs, textures and scans. They need not be right, only near: see quality_search.
"""

import math
from bisect import bisect_right
from collections.abc import Sequence

from services.compressor.fitting.ladder import QUALITIES

_STANDARD_STEP = 57.6  # mean of the luminance table that libjpeg uses at quality 50
_TYPICAL_STEP = _STANDARD_STEP * 0.3  # the same at quality 85

# How much finer (below 0: coarser) the new quantiser is than the original's, as a logarithm; and the size relative to
# the original. Encoding twice has a cliff: steps a little coarser than twice the original's lose half its coefficients.
_JPEG = (
    (-2.82, 0.133),
    (-2.01, 0.242),
    (-1.22, 0.432),
    (-0.81, 0.51),
    (-0.62, 0.76),
    (-0.22, 0.896),
    (0.58, 1.09),
    (1.27, 1.27),
    (2.08, 1.6),
)


def jpeg_sizes(original_bytes: int, quantiser: float | None) -> list[float]:
    """For each of QUALITIES. `quantiser` is the mean step of the original's luminance table, if known."""
    step = quantiser or _TYPICAL_STEP
    return [original_bytes * _interpolate(_JPEG, -math.log(_jpeg_step(quality) / step)) for quality in QUALITIES]


def _jpeg_step(quality: int) -> float:
    """The mean quantiser step that libjpeg makes of a quality."""
    return _STANDARD_STEP * (50 / quality if quality < 50 else 2 - quality / 50)


def _interpolate(curve: Sequence[tuple[float, float]], x: float) -> float:
    """Between the curve's points, with sizes as logarithms; beyond its ends the size of the end."""
    after = bisect_right(curve, x, key=lambda point: point[0])
    if after in (0, len(curve)):
        return curve[max(after - 1, 0)][1]
    (x0, y0), (x1, y1) = curve[after - 1], curve[after]
    return y0 * math.exp((x - x0) / (x1 - x0) * math.log(y1 / y0))
