"""The quantisation tables that JPEGs are written with, and how they scale with quality.

Coarse tables are the standard's (ITU-T T.81, tables K.1 and K.2). Towards fine ones, luminance turns into the table of
N. Robidoux (as in ImageMagick and mozjpeg), blended three parts in ten with a flat table, and chrominance becomes a
tenth finer: most pictures have been compressed before, and fine detail that has survived costs little to keep.
docs/compression.md has figures.
"""

import math
from collections.abc import Sequence
from functools import cache

_ROBIDOUX = (
    (16, 16, 16, 18, 25, 37, 56, 85),
    (16, 17, 20, 27, 34, 40, 53, 75),
    (16, 20, 24, 31, 43, 62, 91, 135),
    (18, 27, 31, 40, 53, 74, 106, 156),
    (25, 34, 43, 53, 69, 94, 131, 189),
    (37, 40, 62, 74, 94, 124, 169, 238),
    (56, 53, 91, 106, 131, 169, 226, 311),
    (85, 75, 135, 156, 189, 238, 311, 418),
)
_STANDARD = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
_STANDARD_CHROMINANCE = (
    (17, 18, 24, 47),
    (18, 21, 26, 66),
    (24, 26, 56, 99),
    (47, 66, 99, 99),
)
_COARSEST_CHROMINANCE = 99
_FLAT = 16
_FLATNESS = 0.3
_FINER_CHROMINANCE = 0.9
_COARSE, _FINE = 40, 75  # between these qualities the tables turn from the standard's into the flatter ones

_ROWS = range(8)
_COARSE_LUMINANCE = [step for row in _STANDARD for step in row]
_FINE_LUMINANCE = [step ** (1 - _FLATNESS) * _FLAT**_FLATNESS for row in _ROBIDOUX for step in row]
_CHROMINANCE = [
    _STANDARD_CHROMINANCE[row][column] if row < 4 and column < 4 else _COARSEST_CHROMINANCE
    for row in _ROWS
    for column in _ROWS
]


def scale_of(quality: float) -> float:
    """The factor by which libjpeg scales its tables for a quality: 1 at 50, 5 at 10, 0.2 at 90."""
    return 50 / quality if quality < 50 else 2 - quality / 50


def quality_of(scale: float) -> int:
    """The quality, from 1 to 95, whose scale is nearest: the inverse of `scale_of`."""
    return min(max(round(50 / scale if scale > 1 else 100 - 50 * scale), 1), 95)


def mean_step(table: Sequence[int]) -> float:
    """How coarse a table is: the geometric mean of its steps, which a few huge steps do not dominate."""
    return math.exp(sum(math.log(max(step, 1)) for step in table) / len(table))


def estimate_quality(luminance: Sequence[int]) -> int:
    """The quality, from 1 to 95, at which our luminance table is as coarse as the given one."""
    return quality_of(mean_step(luminance) / luminance_step(50))


@cache
def luminance_step(quality: int) -> float:
    """The `mean_step` of our luminance table."""
    return mean_step(quantisation_tables(quality)[0])


@cache
def quantisation_tables(quality: int) -> list[list[int]]:
    """For luminance and chrominance: 64 steps each, by rows of the block, as Pillow expects them."""
    progress = min(max((quality - _COARSE) / (_FINE - _COARSE), 0), 1)
    luminance = [
        coarse ** (1 - progress) * fine**progress
        for coarse, fine in zip(_COARSE_LUMINANCE, _FINE_LUMINANCE, strict=True)
    ]
    chrominance = [step * _FINER_CHROMINANCE**progress for step in _CHROMINANCE]
    scale = scale_of(quality)
    return [[min(max(round(step * scale), 1), 255) for step in table] for table in (luminance, chrominance)]
