"""How many bytes each quality of an animation will take, foretold from its first frames."""

import math
from collections.abc import Callable

import numpy as np

from services.compressor.fitting.ladder import QUALITIES

RUN = 4
"""Frames that are encoded to see what the first takes, and each further one."""

_AIM = 0.02
_ASKED = (30, 75)  # qualities


def run_sizes(frames: int, encoded_bytes: Callable[[int, int], int]) -> list[float]:
    """For each of QUALITIES. `encoded_bytes` is asked for a number of frames at a quality."""
    logarithms = [math.log(_whole(frames, encoded_bytes, quality)) for quality in _ASKED]
    slope = (logarithms[1] - logarithms[0]) / (_ASKED[1] - _ASKED[0])
    return [float(np.exp(logarithms[0] + max(slope, 0.001) * (quality - _ASKED[0]) + _AIM)) for quality in QUALITIES]


def _whole(frames: int, encoded_bytes: Callable[[int, int], int], quality: int) -> float:
    first, run = encoded_bytes(1, quality), encoded_bytes(min(RUN, frames), quality)
    if frames <= RUN:
        return run
    return first + max(run - first, 1) / (RUN - 1) * (frames - 1)
