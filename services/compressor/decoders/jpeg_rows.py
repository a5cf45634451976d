"""Decode some rows of a JPEG with restart markers, without decoding the others. Source: ITU T.81, annexes B and F.

The scan data between two restart markers is independent of the rest. Our own JPEGs have a marker every `RESTART_ROWS`.
"""

import re
from dataclasses import dataclass

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from services.compressor.decoders.jpeg_segments import (
    END_OF_IMAGE,
    SEQUENTIAL_FRAMES,
    START_OF_SCAN,
    frame_of,
    iter_jpeg_segments,
    scan_data_end,
)

RESTART_ROWS = 64
"""Of pixels: a whole number of coded units, with any subsampling."""

_RESTART = re.compile(rb"\xff[\xd0-\xd7]")


@dataclass(frozen=True, slots=True)
class JpegRows:
    """The scan data of each RESTART_ROWS, and a header for any of them."""

    header: bytes
    height_at: int
    height: int
    intervals: list[bytes]

    def decode(self, top: int, rows: int) -> NDArray[np.uint8]:
        """In RGBX. The chrominance of the rows next to another interval differs a little. Raises ValueError."""
        first, last = top // RESTART_ROWS, (top + rows - 1) // RESTART_ROWS
        decoded = [self._interval(index) for index in range(first, last + 1)]
        pixels: NDArray[np.uint8] = decoded[0] if first == last else np.concatenate(decoded)
        return pixels[top - first * RESTART_ROWS :][:rows]

    def _interval(self, index: int) -> NDArray[np.uint8]:
        height = min(RESTART_ROWS, self.height - index * RESTART_ROWS).to_bytes(2, "big")
        header = self.header[: self.height_at] + height + self.header[self.height_at + 2 :]
        pixels: NDArray[np.uint8] = simplejpeg.decode_jpeg(
            header + self.intervals[index] + END_OF_IMAGE, "RGBX", strict=False
        )
        return pixels


def rows_between_restarts(jpeg: bytes) -> JpegRows | None:
    """None if the JPEG is not sequential, has several scans, or has no restart marker every RESTART_ROWS."""
    frame = frame_of(jpeg)
    if frame is None or frame.marker not in SEQUENTIAL_FRAMES:
        return None
    scan = next((end for marker, _, end in iter_jpeg_segments(jpeg) if marker == START_OF_SCAN), len(jpeg))
    data = jpeg[scan : scan_data_end(jpeg, scan)]
    intervals = _RESTART.split(data)
    if len(intervals) != -(-frame.height // RESTART_ROWS) or jpeg[scan + len(data) :] != END_OF_IMAGE:
        return None
    return JpegRows(jpeg[:scan], frame.at + 1, frame.height, intervals)
