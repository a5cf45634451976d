"""Convert a quality of one encoder to the quality of another that looks the same.

The tables are medians over photographs and product shots, at equal structural similarity (SSIM) of the luminance. A
single picture may deviate by ten qualities at the low end and by three at the high end. WebP: libwebp, method 4. AVIF:
libaom, speed 6. JPEG: the standard tables. At equal SSIM, WebP took 0.71 (JPEG 20) to 0.79 (JPEG 95) of the JPEG's
bytes, AVIF 0.56 to 0.66.
"""

import numpy as np

from services.compressor.decoders import Format
from services.compressor.rate_control.ladder import QUALITIES

_JPEG = (10, 20, 30, 40, 50, 60, 70, 75, 80, 85, 90, 95)
_SAME_AS_JPEG: dict[Format, tuple[float, ...]] = {
    "webp": (2.4, 15.4, 28.0, 41.4, 48.1, 63.1, 75.0, 77.7, 80.7, 83.5, 88.2, 94.5),
    "avif": (11.1, 27.9, 35.9, 41.0, 45.2, 49.5, 55.8, 59.1, 63.7, 69.4, 77.8, 89.0),
}


def equivalent_quality(quality: int, source: Format, target: Format) -> int:
    """The quality, from 1 to 95, at which `target` looks like `source` does at `quality`.

    Formats without a table of their own use JPEG's scale; a lossy TIFF contains a JPEG.
    """
    as_jpeg = np.interp(quality, _scale(source), _scale("jpeg"))
    as_target = float(np.interp(as_jpeg, _scale("jpeg"), _scale(target)))
    return int(np.clip(round(as_target), QUALITIES[0], QUALITIES[-1]))


def _scale(format_: Format) -> list[float]:
    """Qualities of equal appearance in ascending order, with the end points that all scales share."""
    return [0, *_SAME_AS_JPEG.get(format_, _JPEG), 100]
