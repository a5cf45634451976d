"""Compares the pipeline with a bare loop over the same files: images per second, and CPU per image besides the codec.

Both do the same work with the same function on the same cores, one after the other in one run. The pipeline's own cost
is the CPU time that the stack uses beyond the loop: user and system time of all its processes, servers included.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from benchmarks.codec_loop import bare_pillow_loop
from benchmarks.cpu_time import cpu_seconds
from benchmarks.image_host import serve_files
from benchmarks.photographs import make_photographs
from benchmarks.uploads import catalogue, ended, upload
from benchmarks.webhooks import WEBHOOK_SETTINGS, received_webhooks
from deploy.local.stack import LocalStack

_WARM_UP = 40


@dataclass(frozen=True)
class Run:
    """Wall-clock seconds, and CPU seconds by program."""

    wall: float
    cpu: dict[str, float]

    @property
    def cpu_total(self) -> float:
        return sum(self.cpu.values())


def compare(home: Path, count: int, percent: int, processes: int) -> None:
    """Run both over `count` photographs and print the figures."""
    paths = make_photographs(home / "photographs", count)
    loop_before = _loop(paths, percent, processes)
    with serve_files(paths) as host:
        urls = [host.url(number) for number in range(count)]
        stack = asyncio.run(_through_the_stack(home / "stack", urls, percent))
    loop = _faster(loop_before, _loop(paths, percent, processes))
    mean_kb = sum(path.stat().st_size for path in paths) / count / 1000
    own = (stack.cpu_total - loop.cpu_total) / count * 1000
    print(f"{count} photographs, {mean_kb:.0f} kB each on average, to {percent} %, {processes} codec processes")
    print(f"  bare loop   {count / loop.wall:7.1f} images/s   {loop.cpu_total / count * 1000:6.2f} ms CPU per image")
    print(f"  pipeline    {count / stack.wall:7.1f} images/s   {stack.cpu_total / count * 1000:6.2f} ms CPU per image")
    print(f"  ratio       {loop.wall / stack.wall:7.2f}            {own:6.2f} ms CPU per image besides the codec")
    for name, seconds in sorted(stack.cpu.items(), key=lambda item: -item[1]):
        print(f"    {name:12} {seconds / count * 1000:6.2f} ms CPU per image")


def _loop(paths: Sequence[Path], percent: int, processes: int) -> Run:
    wall, cpu = bare_pillow_loop(paths, percent, processes)
    return Run(wall, {"codec": cpu})


def _faster(one: Run, other: Run) -> Run:
    return min(one, other, key=lambda run: run.wall)


async def _through_the_stack(home: Path, urls: Sequence[str], percent: int) -> Run:
    settings = {
        "FETCH_ALLOW_NETWORKS": "127.0.0.0/8",
        "LOG_LEVEL": "WARNING",
        **WEBHOOK_SETTINGS,
        "PUBLIC_BASE_URL": "",
    }
    async with (
        LocalStack(home, settings) as stack,
        httpx.AsyncClient(base_url=stack.gateway_url, timeout=60) as http,
        received_webhooks(stack.check) as webhooks,
    ):
        await ended(http, await upload(http, catalogue(urls[:_WARM_UP]), percent=str(percent)), _WARM_UP)
        before = cpu_seconds(stack.home)
        started_at = time.perf_counter()
        location = await upload(http, catalogue(urls), percent=str(percent), webhook_url=webhooks.url)
        await webhooks.of(location)
        wall = time.perf_counter() - started_at
        after = cpu_seconds(stack.home)
        await ended(http, location, len(urls))
    return Run(wall, {name: seconds - before.get(name, 0.0) for name, seconds in after.items()})
