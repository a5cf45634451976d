"""How busy the cores are over time, from the kernel's counters of the whole machine."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

_SAMPLE_SECONDS = 0.25


class Ticks(NamedTuple):
    """The counters at a time: ticks of all cores together, and those among them in which a core was idle."""

    time: float
    all: int
    idle: int


class Cores:
    """Samples of the cores' counters."""

    def __init__(self, samples: Sequence[Ticks] = ()) -> None:
        self.samples = list(samples)

    def idle_seconds(self, since: float, until: float) -> float:
        """Seconds between the two times in which the cores were less than half busy."""
        return sum(
            min(until, after.time) - max(since, before.time)
            for before, after in pairwise(self.samples)
            if 2 * (after.idle - before.idle) > after.all - before.all
            if min(until, after.time) > max(since, before.time)
        )


@asynccontextmanager
async def watched_cores() -> AsyncIterator[Cores]:
    """Samples the counters meanwhile; the samples are complete after the block."""
    cores = Cores([_now()])
    sampling = asyncio.create_task(_sample(cores))
    try:
        yield cores
    finally:
        sampling.cancel()
        with suppress(asyncio.CancelledError):
            await sampling
        cores.samples.append(_now())


async def _sample(cores: Cores) -> None:
    while True:
        await asyncio.sleep(_SAMPLE_SECONDS)
        cores.samples.append(_now())


def _now() -> Ticks:
    return ticks(time.time(), Path("/proc/stat").read_text())


def ticks(now: float, stat: str) -> Ticks:
    """The counters in the text of /proc/stat. Guests' ticks are in the user's already."""
    counters = list(map(int, stat.partition("\n")[0].split()[1:9]))
    return Ticks(now, sum(counters), counters[3] + counters[4])
