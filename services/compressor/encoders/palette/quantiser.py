"""Choose the palette that a histogram is best reduced to.

Wu's way of splitting (always the box with the largest squared error, where its halves have the least), then k-means
over the bins. Alpha counts as a fourth channel, colours are premultiplied with it, and opaque colours lie so far from
translucent ones that no entry ever serves both: opaque stays opaque, soft stays soft. Figures in decision 0011.
"""

import heapq
from itertools import count
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float32]

# How much a step of red, green, blue and alpha shows; between the weights of luminance and none.
_VISIBLE = np.array((0.75, 1.0, 0.6, 1.0), dtype=np.float32)
_APART = np.float32(1000)
_REFINEMENTS = 6
_MAX_REFINED = 12_000  # points that k-means and splitting look at: beyond, neighbours are merged
_AT_A_TIME = 1 << 14
_NO_ERROR = 1e-6


def choose(colours: Points, counts: NDArray[np.float64], entries: int) -> NDArray[np.uint8]:
    """At most so many RGBA entries for colours that are not clear, seen so often. Needs 2 if some are translucent."""
    points = _visible(colours)
    points, counts = _merged(points, counts) if len(points) > _MAX_REFINED else (points, counts)
    centres = _split(points, counts, entries)
    for _ in range(_REFINEMENTS):
        centres = _refined(points, counts, centres)
    return _entries(centres)


def nearest_entries(colours: Points, entries: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """For each colour the number of the entry that looks most like it."""
    return _nearest(_visible(colours), _visible(entries.astype(np.float32))).astype(np.uint8)


def _visible(colours: Points) -> Points:
    alpha = colours[:, 3:]
    flat: Points = np.concatenate((colours[:, :3] * (alpha / 255), alpha), axis=1)
    return np.concatenate((flat * _VISIBLE, (alpha == 255) * _APART), axis=1)


def _entries(centres: Points) -> NDArray[np.uint8]:
    shown = centres[:, :4] / _VISIBLE
    opaque = centres[:, 4:] > _APART / 2
    alpha = np.where(opaque, 255, np.clip(shown[:, 3:], 1, 254))
    entries = np.concatenate((shown[:, :3] * (255 / alpha), alpha), axis=1)
    return np.unique(np.clip(np.rint(entries), 0, 255).astype(np.uint8), axis=0)


def _merged(points: Points, counts: NDArray[np.float64]) -> tuple[Points, NDArray[np.float64]]:
    """Neighbours within 8 steps as one point."""
    cells = np.floor(points / 8).astype(np.int64)
    key = ((cells[:, 4] * 64 + cells[:, 3]) * 64 + cells[:, 0]) * 4096 + cells[:, 1] * 64 + cells[:, 2]
    _, at = np.unique(key, return_inverse=True)
    return _means(points, counts, at)


def _means(points: Points, counts: NDArray[np.float64], at: NDArray[np.int64]) -> tuple[Points, NDArray[np.float64]]:
    """The mean point and the count of each group that has points."""
    total: NDArray[np.float64] = np.bincount(at, counts).astype(np.float64)
    sums = np.stack([np.bincount(at, counts * points[:, axis]) for axis in range(points.shape[1])], axis=1)
    seen = total > 0
    return (sums[seen] / total[seen, None]).astype(np.float32), total[seen]


class _Box(NamedTuple):
    minus_error: float
    number: int  # keeps boxes of the same error in order
    members: NDArray[np.int64]
    axis: int


def _split(points: Points, counts: NDArray[np.float64], entries: int) -> Points:
    number = count()
    boxes = [_box(points, counts, np.arange(len(points)), next(number))]
    while len(boxes) < entries and boxes[0].minus_error < -_NO_ERROR:
        worst = heapq.heappop(boxes)
        for half in _halves(points, counts, worst):
            heapq.heappush(boxes, _box(points, counts, half, next(number)))
    at = np.empty(len(points), dtype=np.int64)
    for group, box in enumerate(boxes):
        at[box.members] = group
    return _means(points, counts, at)[0]


def _box(points: Points, counts: NDArray[np.float64], members: NDArray[np.int64], number: int) -> _Box:
    weights, inside = counts[members, None], points[members]
    mean = (inside * weights).sum(axis=0) / weights.sum()
    errors = ((inside - mean) ** 2 * weights).sum(axis=0)
    return _Box(-float(errors.sum()), number, members, int(errors.argmax()))


def _halves(points: Points, counts: NDArray[np.float64], box: _Box) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Cut across the axis of the largest error, where the two means explain the most of it."""
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
    for start in range(0, len(points), _AT_A_TIME):
        part = points[start : start + _AT_A_TIME]
        found[start : start + _AT_A_TIME] = (squares - 2 * (part @ centres.T)).argmin(axis=1)
    return found
