"""The cost of the codec alone, with which the pipeline is compared."""

import multiprocessing
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from services.compressor.compress import compress
from shared.contracts.messages import CompressOptions

_MAX_PIXELS = 100_000_000


class LoopTime(NamedTuple):
    """Seconds from the first image to the last, and CPU seconds of all processes."""

    wall: float
    cpu: float


def bare_pillow_loop(paths: Sequence[Path], percent: int, processes: int) -> LoopTime:
    """Compress the files as the compressor does, in `processes` processes, and nothing else.

    The time includes reading the files, not starting the processes. Raises CompressError.
    """
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        pool.map(
            partial(_compress_file, percent), list(paths[:1]) * processes * 2, chunksize=1
        )  # all processes have started now
        started_at = time.perf_counter()
        cpu_seconds = pool.map(partial(_compress_file, percent), paths, chunksize=1)
        return LoopTime(time.perf_counter() - started_at, sum(cpu_seconds))


def _compress_file(percent: int, path: Path) -> float:
    """Compress one file; returns the CPU seconds."""
    started_at = time.process_time()
    compress(path.read_bytes(), CompressOptions(percent=percent), _MAX_PIXELS)
    return time.process_time() - started_at
