"""Which qualities of different encoders look the same.

Medians over photographs and product shots, at equal structural similarity of the luminance. A picture may differ by ten
qualities at the low end and by three at the high one. WebP by libwebp's method 4, AVIF by libaom's speed 6; a JPEG with
the usual tables. At equal similarity WebP took 0.71 (JPEG 20) to 0.79 (95) of the JPEG's bytes, AVIF 0.56 to 0.66.
"""

import numpy as np

from services.compressor.decoders import Format

_JPEG = (10, 20, 30, 40, 50, 60, 70, 75, 80, 85, 90, 95)
_SAME_AS_JPEG: dict[Format, tuple[float, ...]] = {
    "webp": (2.4, 15.4, 28.0, 41.4, 48.1, 63.1, 75.0, 77.7, 80.7, 83.5, 88.2, 94.5),
    "avif": (11.1, 27.9, 35.9, 41.0, 45.2, 49.5, 55.8, 59.1, 63.7, 69.4, 77.8, 89.0),
}
_LOWEST, _HIGHEST = 1, 95


def equivalent_quality(quality: int, source: Format, target: Format) -> int:
    """The quality, from 1 to 95, at which `target` looks as `source` does at `quality`.

    Formats without a scale of their own count as JPEG: TIFF has one inside.
    """
    as_jpeg = np.interp(quality, *_scales(source, "jpeg"))
    return int(np.clip(round(float(np.interp(as_jpeg, *_scales("jpeg", target)))), _LOWEST, _HIGHEST))


def _scales(source: Format, target: Format) -> tuple[list[float], list[float]]:
    return _scale(source), _scale(target)


def _scale(format_: Format) -> list[float]:
    """The same looks in ascending order, with the ends that all scales share."""
    return [0, *_SAME_AS_JPEG.get(format_, _JPEG), 100]
