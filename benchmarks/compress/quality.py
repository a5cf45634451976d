"""Quality: our result compared with each peer's, at the peer's number of bytes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing.pool import Pool
from statistics import fmean

from benchmarks.compress.corpus import CorpusFile
from benchmarks.compress.imagemill import HALF, encode_to_size
from benchmarks.compress.metrics import Similarity, shown, similarity
from benchmarks.compress.peers import fixed_quality_save, imagemagick_extent, quality_search
from benchmarks.compress.tables import mean, share, table

_NO_LIMIT = "Pillow quality=50"
STRONGER = "Pillow, 7 encodes, optimize"
PEERS = (_NO_LIMIT, "Pillow, 7 encodes", "ImageMagick extent", STRONGER)
"""The last one is stronger than the compressor's target."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """ours: a result of at most `their_bytes`. fits: whether the peer's result is at most half the original."""

    file: CorpusFile
    peer: str
    their_bytes: int
    our_bytes: int
    fits: bool
    theirs: Similarity
    ours: Similarity

    @property
    def lead(self) -> float:
        """In points of SSIMULACRA2."""
        return self.ours.ssimulacra2 - self.theirs.ssimulacra2


def measure_quality(pool: Pool, files: Sequence[CorpusFile]) -> list[Comparison]:
    return [comparison for comparisons in pool.map(_compare, files, chunksize=1) for comparison in comparisons]


def peers(limit: int) -> Mapping[str, Callable[[bytes], bytes | None]]:
    return {
        _NO_LIMIT: fixed_quality_save,
        "Pillow, 7 encodes": partial(quality_search, limit=limit),
        "ImageMagick extent": partial(imagemagick_extent, limit=limit),
        STRONGER: partial(quality_search, limit=limit, optimize=True),
    }


def limit_of(original: bytes) -> int:
    return len(original) * HALF.percent // 100


def _compare(file: CorpusFile) -> list[Comparison]:
    original = file.read()
    limit = limit_of(original)
    decoded = shown(original)
    comparisons = []
    for name, peer in peers(limit).items():
        result = peer(original)
        if result is None:
            continue
        ours = encode_to_size(original, len(result))
        both = similarity(decoded, shown(result)), similarity(decoded, shown(ours))
        comparisons.append(Comparison(file, name, len(result), len(ours), len(result) <= limit, *both))
    return comparisons


def quality_table(comparisons: Sequence[Comparison]) -> str:
    head = ("peer", "files", "within 50 %", "SSIM theirs", "ours", "SSIMULACRA2 theirs", "ours", "ours better", "bytes")
    rows = [_row(name, [comparison for comparison in comparisons if comparison.peer == name]) for name in PEERS]
    return table(head, [row for row in rows if row])


def _row(name: str, comparisons: Sequence[Comparison]) -> list[str]:
    return [
        name,
        str(len(comparisons)),
        share(sum(comparison.fits for comparison in comparisons), len(comparisons)),
        mean([comparison.theirs.ssim for comparison in comparisons], 4),
        mean([comparison.ours.ssim for comparison in comparisons], 4),
        mean([comparison.theirs.ssimulacra2 for comparison in comparisons], 2),
        mean([comparison.ours.ssimulacra2 for comparison in comparisons], 2),
        share(sum(comparison.lead > 0 for comparison in comparisons), len(comparisons)),
        f"{fmean(comparison.our_bytes / comparison.their_bytes for comparison in comparisons):.3f}"
        if comparisons
        else "-",
    ]


def worst(comparisons: Sequence[Comparison], count: int) -> list[Comparison]:
    """The pictures whose best peer leads most (or trails least), each with that peer."""
    by_picture: dict[str, Comparison] = {}
    for comparison in comparisons:
        name = comparison.file.path.name
        if comparison.peer != STRONGER and (name not in by_picture or comparison.lead < by_picture[name].lead):
            by_picture[name] = comparison
    return sorted(by_picture.values(), key=lambda comparison: comparison.lead)[:count]
