"""Beauty: ours beside each peer at the peer's own bytes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing.pool import Pool
from statistics import fmean

from benchmarks.compress.corpus import Specimen
from benchmarks.compress.metrics import Likeness, likeness, shown
from benchmarks.compress.ours import HALF, fills
from benchmarks.compress.peers import blind_save, imagemagick_extent, quality_search
from benchmarks.compress.tables import mean, share, table

_NO_LIMIT = "Pillow quality=50"
STRONGER = "Pillow, 7 encodes, optimize"
PEERS = (_NO_LIMIT, "Pillow, 7 encodes", "ImageMagick extent", STRONGER)
"""The last is stronger than what the compressor is measured against."""


@dataclass(frozen=True, slots=True)
class Duel:
    """ours: at most as many bytes as `their_bytes`. fits: whether the peer kept to half the original's."""

    specimen: Specimen
    peer: str
    their_bytes: int
    our_bytes: int
    fits: bool
    theirs: Likeness
    ours: Likeness

    @property
    def lead(self) -> float:
        """In points of SSIMULACRA2."""
        return self.ours.ssimulacra2 - self.theirs.ssimulacra2


def measure_beauty(pool: Pool, specimens: Sequence[Specimen]) -> list[Duel]:
    return [duel for duels in pool.map(_duels, specimens, chunksize=1) for duel in duels]


def peers(limit: int) -> Mapping[str, Callable[[bytes], bytes | None]]:
    return {
        _NO_LIMIT: blind_save,
        "Pillow, 7 encodes": partial(quality_search, limit=limit),
        "ImageMagick extent": partial(imagemagick_extent, limit=limit),
        STRONGER: partial(quality_search, limit=limit, optimize=True),
    }


def limit_of(original: bytes) -> int:
    return len(original) * HALF.percent // 100


def _duels(specimen: Specimen) -> list[Duel]:
    original = specimen.read()
    limit = limit_of(original)
    decoded = shown(original)
    duels = []
    for name, peer in peers(limit).items():
        result = peer(original)
        if result is None:
            continue
        answer = fills(original, len(result))
        both = likeness(decoded, shown(result)), likeness(decoded, shown(answer))
        duels.append(Duel(specimen, name, len(result), len(answer), len(result) <= limit, *both))
    return duels


def beauty_table(duels: Sequence[Duel]) -> str:
    head = ("peer", "files", "within 50 %", "SSIM theirs", "ours", "SSIMULACRA2 theirs", "ours", "ours better", "bytes")
    rows = [_row(name, [duel for duel in duels if duel.peer == name]) for name in PEERS]
    return table(head, [row for row in rows if row])


def _row(name: str, duels: Sequence[Duel]) -> list[str]:
    return [
        name,
        str(len(duels)),
        share(sum(duel.fits for duel in duels), len(duels)),
        mean([duel.theirs.ssim for duel in duels], 4),
        mean([duel.ours.ssim for duel in duels], 4),
        mean([duel.theirs.ssimulacra2 for duel in duels], 2),
        mean([duel.ours.ssimulacra2 for duel in duels], 2),
        share(sum(duel.lead > 0 for duel in duels), len(duels)),
        f"{fmean(duel.our_bytes / duel.their_bytes for duel in duels):.3f}" if duels else "-",
    ]


def worst(duels: Sequence[Duel], count: int) -> list[Duel]:
    """The pictures where ours trails the best peer most, each beside the peer that beats it."""
    by_picture: dict[str, Duel] = {}
    for duel in duels:
        name = duel.specimen.path.name
        if duel.peer != STRONGER and (name not in by_picture or duel.lead < by_picture[name].lead):
            by_picture[name] = duel
    return sorted(by_picture.values(), key=lambda duel: duel.lead)[:count]
