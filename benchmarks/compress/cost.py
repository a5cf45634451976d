"""Cost: the time of `compress` compared with one save at a fixed quality, measured in turns in one process."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import fmean, median

from benchmarks.compress.corpus import CorpusFile
from benchmarks.compress.imagemill import HALF, MAX_PIXELS
from benchmarks.compress.peers import fixed_quality_save, quality_search
from benchmarks.compress.tables import table
from services.compressor.compress import Compressed, compress


@dataclass(frozen=True, slots=True)
class Seconds:
    """Wall-clock and CPU time; the minimum of several runs, since disturbances only add time."""

    wall: float
    cpu: float


@dataclass(frozen=True, slots=True)
class Cost:
    """ours: without SSIM; with_ssim: as the service runs it. search: Pillow with up to seven encodes, run once."""

    file: CorpusFile
    ours: Seconds
    fixed_quality: Seconds
    search: Seconds
    with_ssim: Seconds
    encodes: int


def measure_cost(files: Sequence[CorpusFile], repeats: int) -> list[Cost]:
    """From memory to memory, decoding included. The runs of a file alternate: disturbances affect both alike."""
    return [_cost(file, repeats) for file in files]


def _cost(file: CorpusFile, repeats: int) -> Cost:
    original = file.read()
    encodes = half(original).encodes  # also warms up both
    fixed_quality_save(original)
    ours, fixed_quality, with_ssim = [], [], []
    for _ in range(repeats):
        ours.append(_timed(half, original))
        fixed_quality.append(_timed(fixed_quality_save, original))
        with_ssim.append(_timed(_half_with_ssim, original))
    limit = len(original) * HALF.percent // 100
    search = _timed(partial(quality_search, limit=limit), original)
    return Cost(file, _fastest(ours), _fastest(fixed_quality), search, _fastest(with_ssim), encodes)


def half(original: bytes) -> Compressed:
    """Without SSIM, which the fixed-quality save does not compute either."""
    return compress(original, HALF, MAX_PIXELS, measure_ssim=False)


def _half_with_ssim(original: bytes) -> Compressed:
    return compress(original, HALF, MAX_PIXELS)


def _timed(work: Callable[[bytes], object], original: bytes) -> Seconds:
    wall, cpu = time.perf_counter(), time.process_time()
    work(original)
    return Seconds(time.perf_counter() - wall, time.process_time() - cpu)


def _fastest(runs: Sequence[Seconds]) -> Seconds:
    return Seconds(min(run.wall for run in runs), min(run.cpu for run in runs))


def cost_table(costs: Sequence[Cost]) -> str:
    kinds = sorted({cost.file.kind for cost in costs})
    rows = [_row(kind, [cost for cost in costs if cost.file.kind == kind]) for kind in kinds]
    head = (
        "JPEG",
        "files",
        "ours ms",
        "with SSIM",
        "fixed-quality save ms",
        "7 encodes ms",
        "ratio of means",
        "mean ratio",
        "median ratio",
        "CPU ratio",
    )
    return table((*head, "encodes"), [*rows, _row("all", costs)])


def _row(name: str, costs: Sequence[Cost]) -> list[str]:
    ours, fixed_quality = fmean(cost.ours.wall for cost in costs), fmean(cost.fixed_quality.wall for cost in costs)
    ratios = [cost.ours.wall / cost.fixed_quality.wall for cost in costs]
    return [
        name,
        str(len(costs)),
        f"{1000 * ours:.1f}",
        f"{1000 * fmean(cost.with_ssim.wall for cost in costs):.1f}",
        f"{1000 * fixed_quality:.1f}",
        f"{1000 * fmean(cost.search.wall for cost in costs):.1f}",
        f"{ours / fixed_quality:.2f}",
        f"{fmean(ratios):.2f}",
        f"{median(ratios):.2f}",
        f"{sum(cost.ours.cpu for cost in costs) / sum(cost.fixed_quality.cpu for cost in costs):.2f}",
        f"{fmean(cost.encodes for cost in costs):.2f}",
    ]


def encodes_line(costs: Sequence[Cost]) -> str:
    counts = Counter(cost.encodes for cost in costs)
    return "Full encodes: " + ", ".join(f"{number} x {counts[number]} files" for number in sorted(counts))
