"""Predict the bytes of a picture at each number of colours, by encoding strips of it.

Only rungs around the limit are encoded; the others are interpolated. A whole picture compresses a little better than
its strips; the search corrects that with its first encode.
"""

import math
from bisect import bisect_left
from collections.abc import Callable, Sequence

from PIL import Image

_SAMPLED_PIXELS = 130_000
_STRIPS = 6
_SAMPLED_FRAMES = 6
_MAX_SAMPLED_RUNGS = 4
_HEADER_BYTES = 100
_SLOPE = 0.35  # of bytes over colours, both as logarithms, beyond the sampled rungs


def strip_sample(image: Image.Image) -> Image.Image:
    """Evenly spread strips of the full width, one below the other, with the picture's `info`.

    A small picture is returned whole.
    """
    width, height = image.size
    rows = max(8, _SAMPLED_PIXELS // _STRIPS // width)
    if rows * _STRIPS >= height:
        return image
    sample = Image.new(image.mode, (width, rows * _STRIPS))
    if image.mode == "P":
        sample.putpalette(image.getpalette("RGBA") or (), "RGBA")
    for strip in range(_STRIPS):
        top = round(strip * height / _STRIPS + (height / _STRIPS - rows) / 2)
        sample.paste(image.crop((0, top, width, top + rows)), (0, strip * rows))
    sample.info = dict(image.info)
    return sample


def predict_sizes_by_colours(
    rungs: Sequence[int], limit: int, share: float, sample_bytes: Callable[[int], int]
) -> list[float]:
    """Predicted bytes for each rung, never decreasing.

    share: the sample's share of the picture. sample_bytes: the bytes of the sample at a rung.
    """
    if len(rungs) == 1:
        return [1.0]
    known: dict[int, float] = {}
    low, high = 0, len(rungs) - 1
    index = high  # lossless first
    for _ in range(_MAX_SAMPLED_RUNGS):
        header = _HEADER_BYTES + 3 * min(rungs[index], 256)
        known[index] = math.log(header + max(sample_bytes(rungs[index]) - header, 1) / share)
        if known[index] > math.log(max(limit, 1)):
            high = index
        else:
            low = index
        index = (low + high) // 2
        if index in known:
            break
    return _interpolated(rungs, known)


def predict_animation_bytes(bytes_of: Callable[[int], int], count: int) -> int:
    """The predicted bytes of all frames. bytes_of: the bytes of the first frames, by their number.

    The first frame is complete and the others contain changes only, so they are extrapolated separately.
    """
    if count <= _SAMPLED_FRAMES:
        return bytes_of(count)
    first = bytes_of(1)
    return first + (bytes_of(_SAMPLED_FRAMES) - first) * (count - 1) // (_SAMPLED_FRAMES - 1)


def _interpolated(rungs: Sequence[int], known: dict[int, float]) -> list[float]:
    """Linear over the logarithm of the colours between known sizes, with the typical slope beyond them."""
    sampled = sorted(known)
    sizes: list[float] = []
    for index, rung in enumerate(rungs):
        after = bisect_left(sampled, index)
        if after in (0, len(sampled)):
            near = sampled[min(after, len(sampled) - 1)]
            size = known[near] + _SLOPE * (math.log(rung) - math.log(rungs[near]))
        else:
            left, right = sampled[after - 1], sampled[after]
            part = math.log(rung / rungs[left]) / math.log(rungs[right] / rungs[left])
            size = known[left] + part * (known[right] - known[left])
        sizes.append(max(math.exp(size), sizes[-1] if sizes else 1.0))
    return sizes
