"""Predict the bytes of an animation at each quality, from its first frames."""

import math
from collections.abc import Callable

from services.compressor.rate_control.ladder import QUALITIES
from services.compressor.rate_control.size_prediction import MARGIN, RateModel, fit_curve, to_bytes, typical_curve

SAMPLE_FRAMES = 4
"""Frames that are encoded to measure the bytes of the first frame and of each further one."""

_SAMPLE_QUALITIES = (30, 80)


def predict_animation_sizes(frames: int, encoded_bytes: Callable[[int, int], int], model: RateModel) -> list[float]:
    """Predicted bytes for each of QUALITIES.

    frames: how many the animation has. encoded_bytes: the bytes of the first frames, by their number and the quality.
    """
    known = {
        QUALITIES.index(quality): math.log(_total_bytes(frames, encoded_bytes, quality))
        for quality in _SAMPLE_QUALITIES
    }
    return to_bytes(fit_curve(typical_curve(model), known) + MARGIN)


def _total_bytes(frames: int, encoded_bytes: Callable[[int, int], int], quality: int) -> float:
    first, run = encoded_bytes(1, quality), encoded_bytes(min(SAMPLE_FRAMES, frames), quality)
    if frames <= SAMPLE_FRAMES:
        return run
    return first + max(run - first, 1) / (SAMPLE_FRAMES - 1) * (frames - 1)
