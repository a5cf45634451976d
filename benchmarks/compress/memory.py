"""Memory: a photograph of fifty megapixels in a fresh process and in a compressor's worker process."""

import argparse
import asyncio
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import Image

from benchmarks.compress.imagemill import HALF, MAX_PIXELS
from benchmarks.compress.tables import table
from services.compressor.compress import compress
from services.compressor.worker import Task, Worker

_SIZE = (8660, 5774)
_SECONDS = 120.0
_MODES = {"alone": "peak of a fresh process", "worker": "peak of a worker process"}
# The second needs the most memory: all coefficients are read before the first pixel is known.
_KINDS: Mapping[str, Mapping[str, Any]] = {
    "baseline, 4.2.0": {"quality": 88},
    "progressive, 4.4.4": {"quality": 88, "progressive": True, "subsampling": "4:4:4"},
}


def measure_memory(home: Path, photograph: Path) -> str:
    """A table. Raises CalledProcessError if a process fails."""
    originals = [_large(home, photograph, kind) for kind in _KINDS]
    rows = [
        [
            f"{original.stem}, {original.stat().st_size / 1e6:.1f} MB",
            *(f"{_peak(original, mode):.0f} MB" for mode in _MODES),
        ]
        for original in originals
    ]
    return table(("JPEG", *_MODES.values()), rows)


def _large(home: Path, photograph: Path, kind: str) -> Path:
    path = home / f"50 megapixels, {kind}.jpg"
    if not path.exists():
        picture = Image.open(photograph).convert("RGB").resize(_SIZE, Image.Resampling.BICUBIC)
        grain = Image.effect_noise(_SIZE, 60).convert(
            "RGB"
        )  # the enlarged picture alone would be too smooth for a photograph
        Image.blend(picture, grain, 0.06).save(path, "JPEG", **_KINDS[kind])
    return path


def _peak(original: Path, mode: str) -> float:
    """In 10^6 bytes. Measured in a separate process, since the peak is a figure of the whole process."""
    command = [sys.executable, "-m", "benchmarks.compress.memory", mode, str(original)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def _resident_peak(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    kibibytes = int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1])
    return kibibytes * 1024 / 1e6


def _alone(original: bytes) -> float:
    compress(original, HALF, MAX_PIXELS)
    return _resident_peak(os.getpid())


async def _in_worker(original: bytes) -> float:
    worker = Worker()
    try:
        await worker.run(Task(original, (HALF, MAX_PIXELS, True)), _SECONDS)
        (process,) = multiprocessing.active_children()
        return _resident_peak(process.pid or 0)
    finally:
        await worker.end()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("mode", choices=_MODES)
    parser.add_argument("original", type=Path)
    chosen = parser.parse_args()
    picture = chosen.original.read_bytes()
    print(_alone(picture) if chosen.mode == "alone" else asyncio.run(_in_worker(picture)))
