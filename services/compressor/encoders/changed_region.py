"""The region of an animation frame that differs from the frame before."""

import numpy as np
from numpy.typing import NDArray

Box = tuple[slice, slice]
"""Rows and columns of an array of pixels."""


def box_around(changed: NDArray[np.bool_]) -> Box:
    """The smallest box around all changed pixels; one pixel if nothing changed, since a frame cannot be empty."""
    rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
    if not len(rows):
        return slice(0, 1), slice(0, 1)
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)
