"""Choose a palette for a histogram.

Wu's splitting (always the box with the largest squared error, at the cut that leaves the smallest), then k-means over
the bins. Alpha is a fourth channel, and colours are premultiplied with it. Opaque colours are placed so far from
translucent ones that they never share an entry: opaque stays opaque, translucent stays translucent. Decision 0011 has
figures.
"""

import heapq
from itertools import count
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float32]

# How visible a step of red, green, blue and alpha is: a compromise between luminance weights and equal weights.
_CHANNEL_WEIGHTS = np.array((0.75, 1.0, 0.6, 1.0), dtype=np.float32)
_OPAQUE_DISTANCE = np.float32(1000)
_REFINEMENTS = 6
_MAX_POINTS = 12_000  # for splitting and k-means; with more, neighbours are merged
_CHUNK_POINTS = 1 << 14
_NO_ERROR = 1e-6


def choose_entries(colours: Points, counts: NDArray[np.float64], entries: int) -> NDArray[np.uint8]:
    """At most `entries` RGBA entries for colours with their pixel counts.

    colours: RGBA, none fully transparent. If some are translucent and some opaque, at least 2 entries are needed.
    """
    points = _perceptual(colours)
    points, counts = _merged(points, counts) if len(points) > _MAX_POINTS else (points, counts)
    centres = _split(points, counts, entries)
    for _ in range(_REFINEMENTS):
        centres = _refined(points, counts, centres)
    return _entries(centres)


def nearest_entries(colours: Points, entries: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The index of the most similar entry for each colour."""
    return _nearest(_perceptual(colours), _perceptual(entries.astype(np.float32))).astype(np.uint8)


def _perceptual(colours: Points) -> Points:
    alpha = colours[:, 3:]
    premultiplied: Points = np.concatenate((colours[:, :3] * (alpha / 255), alpha), axis=1)
    return np.concatenate((premultiplied * _CHANNEL_WEIGHTS, (alpha == 255) * _OPAQUE_DISTANCE), axis=1)


def _entries(centres: Points) -> NDArray[np.uint8]:
    rgba = centres[:, :4] / _CHANNEL_WEIGHTS
    opaque = centres[:, 4:] > _OPAQUE_DISTANCE / 2
    alpha = np.where(opaque, 255, np.clip(rgba[:, 3:], 1, 254))
    entries = np.concatenate((rgba[:, :3] * (255 / alpha), alpha), axis=1)
    return np.unique(np.clip(np.rint(entries), 0, 255).astype(np.uint8), axis=0)


def _merged(points: Points, counts: NDArray[np.float64]) -> tuple[Points, NDArray[np.float64]]:
    """Points within the same cell of 8 steps become one point."""
    cells = np.floor(points / 8).astype(np.int64)
    key = ((cells[:, 4] * 64 + cells[:, 3]) * 64 + cells[:, 0]) * 4096 + cells[:, 1] * 64 + cells[:, 2]
    _, group_of = np.unique(key, return_inverse=True)
    return _means(points, counts, group_of)


def _means(
    points: Points, counts: NDArray[np.float64], group_of: NDArray[np.int64]
) -> tuple[Points, NDArray[np.float64]]:
    """The mean point and the count of each non-empty group. group_of: the group of each point."""
    total: NDArray[np.float64] = np.bincount(group_of, counts).astype(np.float64)
    sums = np.stack([np.bincount(group_of, counts * points[:, axis]) for axis in range(points.shape[1])], axis=1)
    used = total > 0
    return (sums[used] / total[used, None]).astype(np.float32), total[used]


class _Box(NamedTuple):
    minus_error: float
    number: int  # orders boxes of equal error
    members: NDArray[np.int64]
    axis: int


def _split(points: Points, counts: NDArray[np.float64], entries: int) -> Points:
    number = count()
    boxes = [_box(points, counts, np.arange(len(points)), next(number))]
    while len(boxes) < entries and boxes[0].minus_error < -_NO_ERROR:
        worst = heapq.heappop(boxes)
        for half in _halves(points, counts, worst):
            heapq.heappush(boxes, _box(points, counts, half, next(number)))
    group_of = np.empty(len(points), dtype=np.int64)
    for group, box in enumerate(boxes):
        group_of[box.members] = group
    return _means(points, counts, group_of)[0]


def _box(points: Points, counts: NDArray[np.float64], members: NDArray[np.int64], number: int) -> _Box:
    weights, inside = counts[members, None], points[members]
    mean = (inside * weights).sum(axis=0) / weights.sum()
    errors = ((inside - mean) ** 2 * weights).sum(axis=0)
    return _Box(-float(errors.sum()), number, members, int(errors.argmax()))


def _halves(points: Points, counts: NDArray[np.float64], box: _Box) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Cut the axis with the largest error where the means of both halves explain most of it."""
    order = box.members[np.argsort(points[box.members, box.axis], kind="stable")]
    below = np.cumsum(counts[order])
    moment = np.cumsum(counts[order] * points[order, box.axis])
    explained = moment[:-1] ** 2 / below[:-1] + (moment[-1] - moment[:-1]) ** 2 / (below[-1] - below[:-1])
    cut = int(explained.argmax()) + 1
    return order[:cut], order[cut:]


def _refined(points: Points, counts: NDArray[np.float64], centres: Points) -> Points:
    return _means(points, counts, _nearest(points, centres))[0]


def _nearest(points: Points, centres: Points) -> NDArray[np.int64]:
    squares = (centres * centres).sum(axis=1)
    found = np.empty(len(points), dtype=np.int64)
    for start in range(0, len(points), _CHUNK_POINTS):
        part = points[start : start + _CHUNK_POINTS]
        found[start : start + _CHUNK_POINTS] = (squares - 2 * (part @ centres.T)).argmin(axis=1)
    return found
