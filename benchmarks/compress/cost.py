"""Cost: the time of `compress` beside one blind save of the same file, in turns, in one process."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import fmean, median

from benchmarks.compress.corpus import Specimen
from benchmarks.compress.ours import HALF, MAX_PIXELS
from benchmarks.compress.peers import blind_save, quality_search
from benchmarks.compress.tables import table
from services.compressor.compress import Compressed, compress


@dataclass(frozen=True, slots=True)
class Seconds:
    """On the wall and of CPU; of several runs the fewest, since everything that disturbs a run only adds to it."""

    wall: float
    cpu: float


@dataclass(frozen=True, slots=True)
class Cost:
    """ours: SSIM apart; with_ssim: as the service runs it. search: Pillow's, with up to seven encodes, run once."""

    specimen: Specimen
    ours: Seconds
    blind: Seconds
    search: Seconds
    with_ssim: Seconds
    encodes: int


def measure_cost(specimens: Sequence[Specimen], repeats: int) -> list[Cost]:
    """Memory to memory, decoding included. Each file's runs take turns, so that the machine's moods meet both."""
    return [_cost(specimen, repeats) for specimen in specimens]


def _cost(specimen: Specimen, repeats: int) -> Cost:
    original = specimen.read()
    encodes = half(original).encodes  # and both are warm
    blind_save(original)
    ours, blind, with_ssim = [], [], []
    for _ in range(repeats):
        ours.append(_timed(half, original))
        blind.append(_timed(blind_save, original))
        with_ssim.append(_timed(_half_with_ssim, original))
    limit = len(original) * HALF.percent // 100
    search = _timed(partial(quality_search, limit=limit), original)
    return Cost(specimen, _fewest(ours), _fewest(blind), search, _fewest(with_ssim), encodes)


def half(original: bytes) -> Compressed:
    """Without SSIM, which the blind save does not know either."""
    return compress(original, HALF, MAX_PIXELS, measure_ssim=False)


def _half_with_ssim(original: bytes) -> Compressed:
    return compress(original, HALF, MAX_PIXELS)


def _timed(work: Callable[[bytes], object], original: bytes) -> Seconds:
    wall, cpu = time.perf_counter(), time.process_time()
    work(original)
    return Seconds(time.perf_counter() - wall, time.process_time() - cpu)


def _fewest(runs: Sequence[Seconds]) -> Seconds:
    return Seconds(min(run.wall for run in runs), min(run.cpu for run in runs))


def cost_table(costs: Sequence[Cost]) -> str:
    kinds = sorted({cost.specimen.kind for cost in costs})
    rows = [_row(kind, [cost for cost in costs if cost.specimen.kind == kind]) for kind in kinds]
    head = (
        "JPEG",
        "files",
        "ours ms",
        "with SSIM",
        "blind save ms",
        "7 encodes ms",
        "ratio of means",
        "mean ratio",
        "median ratio",
        "CPU ratio",
    )
    return table((*head, "encodes"), [*rows, _row("all", costs)])


def _row(name: str, costs: Sequence[Cost]) -> list[str]:
    ours, blind = fmean(cost.ours.wall for cost in costs), fmean(cost.blind.wall for cost in costs)
    ratios = [cost.ours.wall / cost.blind.wall for cost in costs]
    return [
        name,
        str(len(costs)),
        f"{1000 * ours:.1f}",
        f"{1000 * fmean(cost.with_ssim.wall for cost in costs):.1f}",
        f"{1000 * blind:.1f}",
        f"{1000 * fmean(cost.search.wall for cost in costs):.1f}",
        f"{ours / blind:.2f}",
        f"{fmean(ratios):.2f}",
        f"{median(ratios):.2f}",
        f"{sum(cost.ours.cpu for cost in costs) / sum(cost.blind.cpu for cost in costs):.2f}",
        f"{fmean(cost.encodes for cost in costs):.2f}",
    ]


def encodes_line(costs: Sequence[Cost]) -> str:
    counts = Counter(cost.encodes for cost in costs)
    return "Full encodes: " + ", ".join(f"{number} x {counts[number]} files" for number in sorted(counts))
