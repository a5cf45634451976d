"""About how many bytes a picture takes at each of a ladder's rungs, from strips of it that are really packed.

Only those rungs are packed between which the limit lies; the others follow from their neighbours. A whole picture
packs a little better than its strips; the search corrects that with its first encode.
"""

import math
from bisect import bisect_left
from collections.abc import Callable, Sequence

from PIL import Image

_SAMPLED_PIXELS = 130_000
_STRIPS = 6
_SAMPLED_FRAMES = 6
_PACKED_RUNGS = 4
_HEADER_BYTES = 100
_SLOPE = 0.35  # of bytes against colours, both as logarithms, where nothing was packed


def strip_sample(image: Image.Image) -> Image.Image:
    """Strips over the whole width, evenly spread, one below the other; all of a small picture. With its `info`."""
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


def predict_packed_sizes(rungs: Sequence[int], limit: int, share: float, packed: Callable[[int], int]) -> list[float]:
    """For each rung, never falling. packed: the bytes of a sample at a rung; share: how much of the picture it is."""
    if len(rungs) == 1:
        return [1.0]
    known: dict[int, float] = {}
    low, high = 0, len(rungs) - 1
    at = high  # no loss at all is the first question
    for _ in range(_PACKED_RUNGS):
        header = _HEADER_BYTES + 3 * min(rungs[at], 256)
        known[at] = math.log(header + max(packed(rungs[at]) - header, 1) / share)
        if known[at] > math.log(max(limit, 1)):
            high = at
        else:
            low = at
        at = (low + high) // 2
        if at in known:
            break
    return _filled_in(rungs, known)


def predict_animation_bytes(bytes_of: Callable[[int], int], count: int) -> int:
    """About how many bytes all frames take. bytes_of: those of the first so many frames.

    The first is whole and of the others only what changes, so they count apart.
    """
    if count <= _SAMPLED_FRAMES:
        return bytes_of(count)
    first = bytes_of(1)
    return first + (bytes_of(_SAMPLED_FRAMES) - first) * (count - 1) // (_SAMPLED_FRAMES - 1)


def _filled_in(rungs: Sequence[int], known: dict[int, float]) -> list[float]:
    """Between what is known along the logarithm of the colours, beyond it along the usual slope."""
    at = sorted(known)
    sizes: list[float] = []
    for index, rung in enumerate(rungs):
        after = bisect_left(at, index)
        if after in (0, len(at)):
            near = at[min(after, len(at) - 1)]
            size = known[near] + _SLOPE * (math.log(rung) - math.log(rungs[near]))
        else:
            left, right = at[after - 1], at[after]
            part = math.log(rung / rungs[left]) / math.log(rungs[right] / rungs[left])
            size = known[left] + part * (known[right] - known[left])
        sizes.append(max(math.exp(size), sizes[-1] if sizes else 1.0))
    return sizes
