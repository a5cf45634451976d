"""Distinct JPEG files of about one size, from photographs of Debian's and Python's packages."""

import io
import math
from pathlib import Path

from PIL import Image

from benchmarks.compress.photographs import photographs, view

_SHAPES = ((1, 1), (4, 3), (3, 4), (3, 2))
_BYTES_PER_PIXEL = 0.2  # a first guess
_TRIALS = 4
_TOLERANCE = 0.15


def make_corpus(folder: Path, count: int, size: int) -> list[Path]:
    """`count` JPEGs of about `size` bytes; created once in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{number}.jpg" for number in range(count)]
    sources = photographs()
    for start, source in enumerate(sources):
        wanted = [number for number in range(start, count, len(sources)) if not paths[number].exists()]
        if wanted:
            photograph = Image.open(source).convert("RGB")
            for number in wanted:
                paths[number].write_bytes(_part(photograph, number, size))
    return paths


def _part(photograph: Image.Image, number: int, size: int) -> bytes:
    """A part of the photograph, in the dimensions and at the quality that come closest to `size` bytes."""
    quality, pixels = (80, 88, 93)[number % 3], size / _BYTES_PER_PIXEL
    found = []
    for _ in range(_TRIALS):
        data = _encoded(photograph, number, pixels, quality)
        found.append(data)
        if abs(len(data) / size - 1) < _TOLERANCE:
            break
        pixels *= size / len(data)
    return min(found, key=lambda data: abs(math.log(len(data) / size)))


def _encoded(photograph: Image.Image, number: int, pixels: float, quality: int) -> bytes:
    across, down = _SHAPES[number % len(_SHAPES)]
    unit = math.sqrt(min(pixels, 12e6) / (across * down))
    file = io.BytesIO()
    view(photograph, (round(unit * across), round(unit * down)), number).save(file, "JPEG", quality=quality)
    return file.getvalue()
