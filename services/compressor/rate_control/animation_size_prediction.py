"""How many bytes each quality of an animation will take, foretold from its first frames."""

import math
from collections.abc import Callable

from services.compressor.rate_control.ladder import QUALITIES
from services.compressor.rate_control.size_prediction import RateModel, fit_curve, sizes, typical_curve

SAMPLE_FRAMES = 4
"""Frames that are encoded to see what the first takes, and each further one."""

_AIM = 0.02
_ASKED = (30, 80)  # qualities


def predict_animation_sizes(frames: int, encoded_bytes: Callable[[int, int], int], rate: RateModel) -> list[float]:
    """For each of QUALITIES. `encoded_bytes` is asked for a number of frames at a quality."""
    known = {QUALITIES.index(quality): math.log(_whole(frames, encoded_bytes, quality)) for quality in _ASKED}
    return sizes(fit_curve(typical_curve(rate), known) + _AIM)


def _whole(frames: int, encoded_bytes: Callable[[int, int], int], quality: int) -> float:
    first, run = encoded_bytes(1, quality), encoded_bytes(min(SAMPLE_FRAMES, frames), quality)
    if frames <= SAMPLE_FRAMES:
        return run
    return first + max(run - first, 1) / (SAMPLE_FRAMES - 1) * (frames - 1)
