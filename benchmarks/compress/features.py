"""What each feature of the encoder buys at equal bytes: half the original's, by one feature more from row to row."""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from multiprocessing.pool import Pool
from statistics import fmean
from typing import Any

from PIL import Image

from benchmarks.compress.corpus import Specimen
from benchmarks.compress.metrics import Likeness, likeness, shown
from benchmarks.compress.ours import HALF, MAX_PIXELS
from benchmarks.compress.tables import table
from services.compressor.decoders import open_picture
from services.compressor.encoders.jpeg.chrominance import HALVED, Subsampling, subsampling_for
from services.compressor.encoders.jpeg.jpeg_file import SUBSAMPLINGS
from services.compressor.encoders.jpeg.quantisation import quantisation_tables

_QUALITIES = range(1, 96)
_ByContent = Callable[[int], Subsampling]


@dataclass(frozen=True, slots=True)
class _Way:
    optimised_huffman: bool = True
    our_tables: bool = True
    chrominance_by_content: bool = True
    progressive: bool = False


_WAYS = {
    "as Pillow does by itself": _Way(optimised_huffman=False, our_tables=False, chrominance_by_content=False),
    "+ fitted Huffman tables": _Way(our_tables=False, chrominance_by_content=False),
    "+ quantisation tables of our own": _Way(chrominance_by_content=False),
    "+ chrominance by content (ours)": _Way(),
    "+ progressive": _Way(progressive=True),
}


def measure_features(pool: Pool, specimens: Sequence[Specimen]) -> str:
    """A table of means over those files that every way can bring to half."""
    rows = [row for row in pool.map(_at_half, specimens, chunksize=1) if row]
    columns = [[row[number] for row in rows] for number in range(len(_WAYS))]
    head = (f"{len(rows)} JPEGs at half their bytes", "quality", "SSIM", "SSIMULACRA2", "gain")
    cells, before = [], None
    for name, column in zip(_WAYS, columns, strict=True):
        score = fmean(one.likeness.ssimulacra2 for one in column)
        gain = "" if before is None else f"{score - before:+.2f}"
        quality, ssim = fmean(one.quality for one in column), fmean(one.likeness.ssim for one in column)
        cells.append([name, f"{quality:.1f}", f"{ssim:.4f}", f"{score:.2f}", gain])
        before = score
    return table(head, cells)


@dataclass(frozen=True, slots=True)
class _AtHalf:
    """Between two qualities, as both figures are: there are no files of just so many bytes."""

    quality: float
    likeness: Likeness


def _at_half(specimen: Specimen) -> list[_AtHalf] | None:
    original = specimen.read()
    picture = open_picture(original, MAX_PIXELS, HALF.metadata)
    by_content = cache(partial(subsampling_for, picture.image, picture.jpeg))
    image = shown(original)
    limit = len(original) * HALF.percent // 100
    found = [_between(image, limit, way, by_content) for way in _WAYS.values()]
    complete = [one for one in found if one]
    return complete if len(complete) == len(_WAYS) else None


def _between(image: Image.Image, limit: int, way: _Way, by_content: _ByContent) -> _AtHalf | None:
    """None if the limit is beyond the qualities."""
    files = {0: b"", len(_QUALITIES) + 1: b""}
    low, high = 0, len(_QUALITIES) + 1
    while high - low > 1:
        middle = (low + high) // 2
        files[middle] = _encoded(image, middle, way, by_content)
        low, high = (middle, high) if len(files[middle]) <= limit else (low, middle)
    if not files[low] or not files[high]:
        return None
    part = (limit - len(files[low])) / max(len(files[high]) - len(files[low]), 1)
    below, above = (likeness(image, shown(files[rung])) for rung in (low, high))
    between = Likeness(
        below.ssim + part * (above.ssim - below.ssim),
        below.ssimulacra2 + part * (above.ssimulacra2 - below.ssimulacra2),
    )
    return _AtHalf(low + part, between)


def _encoded(image: Image.Image, quality: int, way: _Way, by_content: _ByContent) -> bytes:
    out = io.BytesIO()
    quantised: dict[str, Any] = {"qtables": quantisation_tables(quality)} if way.our_tables else {"quality": quality}
    image.save(
        out,
        "JPEG",
        subsampling=SUBSAMPLINGS[by_content(quality) if way.chrominance_by_content else HALVED],
        optimize=way.optimised_huffman,
        progressive=way.progressive,
        **quantised,
    )
    return out.getvalue()
