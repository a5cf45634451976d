"""The gain of each encoder feature at equal bytes (half the original's); each row adds one feature."""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from multiprocessing.pool import Pool
from statistics import fmean
from typing import Any

from PIL import Image

from benchmarks.compress.corpus import CorpusFile
from benchmarks.compress.imagemill import HALF, MAX_PIXELS
from benchmarks.compress.metrics import Similarity, shown, similarity
from benchmarks.compress.tables import table
from services.compressor.decoders import open_picture
from services.compressor.encoders.chrominance_loss import HALVED, Subsampling
from services.compressor.encoders.jpeg.chrominance import subsampling_for
from services.compressor.encoders.jpeg.jpeg_file import SUBSAMPLINGS
from services.compressor.encoders.jpeg.quantisation import quantisation_tables

_QUALITIES = range(1, 96)
_ByContent = Callable[[int], Subsampling]


@dataclass(frozen=True, slots=True)
class _Variant:
    optimised_huffman: bool = True
    our_tables: bool = True
    chrominance_by_content: bool = True
    progressive: bool = False


_VARIANTS = {
    "Pillow's defaults": _Variant(optimised_huffman=False, our_tables=False, chrominance_by_content=False),
    "+ optimised Huffman tables": _Variant(our_tables=False, chrominance_by_content=False),
    "+ our quantisation tables": _Variant(chrominance_by_content=False),
    "+ chrominance by content (ours)": _Variant(),
    "+ progressive": _Variant(progressive=True),
}


def measure_features(pool: Pool, files: Sequence[CorpusFile]) -> str:
    """A table of means over the files that every variant can bring to half."""
    rows = [row for row in pool.map(_at_half, files, chunksize=1) if row]
    columns = [[row[number] for row in rows] for number in range(len(_VARIANTS))]
    head = (f"{len(rows)} JPEGs at half their bytes", "quality", "SSIM", "SSIMULACRA2", "gain")
    cells, before = [], None
    for name, column in zip(_VARIANTS, columns, strict=True):
        score = fmean(one.similarity.ssimulacra2 for one in column)
        gain = "" if before is None else f"{score - before:+.2f}"
        quality, ssim = fmean(one.quality for one in column), fmean(one.similarity.ssim for one in column)
        cells.append([name, f"{quality:.1f}", f"{ssim:.4f}", f"{score:.2f}", gain])
        before = score
    return table(head, cells)


@dataclass(frozen=True, slots=True)
class _AtHalf:
    """Interpolated between two qualities, since no file has exactly this number of bytes."""

    quality: float
    similarity: Similarity


def _at_half(file: CorpusFile) -> list[_AtHalf] | None:
    original = file.read()
    picture = open_picture(original, MAX_PIXELS, HALF.metadata)
    by_content = cache(partial(subsampling_for, picture.image, picture.jpeg))
    image = shown(original)
    limit = len(original) * HALF.percent // 100
    found = [_between(image, limit, variant, by_content) for variant in _VARIANTS.values()]
    complete = [one for one in found if one]
    return complete if len(complete) == len(_VARIANTS) else None


def _between(image: Image.Image, limit: int, variant: _Variant, by_content: _ByContent) -> _AtHalf | None:
    """None if the limit lies outside the range of qualities."""
    files = {0: b"", len(_QUALITIES) + 1: b""}
    low, high = 0, len(_QUALITIES) + 1
    while high - low > 1:
        middle = (low + high) // 2
        files[middle] = _encoded(image, middle, variant, by_content)
        low, high = (middle, high) if len(files[middle]) <= limit else (low, middle)
    if not files[low] or not files[high]:
        return None
    part = (limit - len(files[low])) / max(len(files[high]) - len(files[low]), 1)
    below, above = (similarity(image, shown(files[rung])) for rung in (low, high))
    between = Similarity(
        below.ssim + part * (above.ssim - below.ssim),
        below.ssimulacra2 + part * (above.ssimulacra2 - below.ssimulacra2),
    )
    return _AtHalf(low + part, between)


def _encoded(image: Image.Image, quality: int, variant: _Variant, by_content: _ByContent) -> bytes:
    out = io.BytesIO()
    quantised: dict[str, Any] = (
        {"qtables": quantisation_tables(quality)} if variant.our_tables else {"quality": quality}
    )
    image.save(
        out,
        "JPEG",
        subsampling=SUBSAMPLINGS[by_content(quality) if variant.chrominance_by_content else HALVED],
        optimize=variant.optimised_huffman,
        progressive=variant.progressive,
        **quantised,
    )
    return out.getvalue()
