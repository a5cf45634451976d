"""Fit: whether every result takes at most half the original's bytes, and how much of them it uses."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from multiprocessing.pool import Pool
from statistics import fmean

from benchmarks.compress.corpus import CorpusFile
from benchmarks.compress.imagemill import HALF, MAX_PIXELS, next_finer
from benchmarks.compress.metrics import Similarity, shown, similarity
from benchmarks.compress.tables import mean, share, table
from services.compressor.compress import compress

_WINDOW = 0.90


@dataclass(frozen=True, slots=True)
class Fit:
    """The result for one file.

    filled: the result's bytes as a part of the limit; 0.0 after an error.
    lossy: whether any pixel changed.
    finer: if `filled` is below the window, what the next finer rung would fill; None if there is none.
    similarity: of the result; None if the original was kept.
    error: why there is no result.
    """

    file: CorpusFile
    filled: float
    lossy: bool = False
    finer: float | None = None
    scaled: bool = False
    encodes: int = 0
    similarity: Similarity | None = None
    error: str = ""

    @property
    def fits(self) -> bool:
        return not self.error and self.filled <= 1.0

    @property
    def finer_exceeds(self) -> bool:
        return self.finer is not None and self.finer > 1.0

    @property
    def in_window(self) -> bool:
        return self.fits and self.filled >= _WINDOW


def measure_fit(pool: Pool, files: Sequence[CorpusFile]) -> list[Fit]:
    return pool.map(_fit, files, chunksize=1)


def _fit(file: CorpusFile) -> Fit:
    original = file.read()
    try:
        made = compress(original, HALF, MAX_PIXELS, measure_ssim=False)
    except Exception as error:  # the benchmark reports defects of the compressor too
        return Fit(file, 0.0, error=f"{type(error).__name__}: {error}")
    limit = len(original) * HALF.percent // 100
    filled = len(made.data or original) / limit
    if not made.data:
        return Fit(file, filled, encodes=made.encodes)
    decoded, result = shown(original), shown(made.data)
    lossy = decoded != result
    return Fit(
        file,
        filled,
        lossy,
        _finer(original, limit) if lossy and filled < _WINDOW else None,
        made.width < made.original_width,
        made.encodes,
        similarity(decoded, result),
    )


def _finer(original: bytes, limit: int) -> float | None:
    finer = next_finer(original, limit)
    return finer and finer / limit


def fit_table(fits: Sequence[Fit]) -> str:
    head = ("kind", "files", "at most 50 %", "lossy", "in [0.90, 1]", "or finer exceeds", "scaled", "encodes")
    rows = [_row(f"{format_}: {kind}", group) for (format_, kind), group in _groups(fits)]
    return table((*head, "SSIM", "SSIMULACRA2"), [*rows, _row("all", fits)])


def _groups(fits: Sequence[Fit]) -> Iterator[tuple[tuple[str, str], list[Fit]]]:
    def key(fit: Fit) -> tuple[str, str]:
        return fit.file.format, fit.file.kind

    return ((name, list(group)) for name, group in groupby(sorted(fits, key=key), key))


def _row(name: str, fits: Sequence[Fit]) -> list[str]:
    lossy = [fit for fit in fits if fit.lossy]
    similarities = [fit.similarity for fit in fits if fit.similarity]
    return [
        name,
        str(len(fits)),
        share(sum(fit.fits for fit in fits), len(fits)),
        str(len(lossy)),
        share(sum(fit.in_window for fit in lossy), len(lossy)),
        share(sum(fit.in_window or fit.finer_exceeds for fit in lossy), len(lossy)),
        str(sum(fit.scaled for fit in fits)),
        f"{fmean(fit.encodes for fit in fits):.2f}",
        mean([one.ssim for one in similarities], 4),
        mean([one.ssimulacra2 for one in similarities], 2),
    ]


def misfits(fits: Sequence[Fit]) -> list[str]:
    """Every result that exceeds the limit or does not fill it, by file name."""
    return [
        f"{fit.file.path.name}: {fit.error or _how_it_fills(fit)}"
        for fit in fits
        if not fit.fits or (fit.lossy and not fit.in_window and not fit.finer_exceeds)
    ]


def _how_it_fills(fit: Fit) -> str:
    finer = f"the next finer quality {fit.finer:.3f}" if fit.finer else "there is no finer quality"
    return f"{fit.filled:.3f} of the limit after {fit.encodes} encodes; {finer}"
