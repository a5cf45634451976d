"""Sends the images and samples the resident memory of every process meanwhile."""

import asyncio
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

from benchmarks.image_host import ImageHost, serve
from benchmarks.small_pictures import small_pictures
from benchmarks.uploads import catalogue, ended, upload
from deploy.local.stack import LocalStack

_IMAGES_PER_REQUEST = 5_000
_AT_ONCE = 2
_SAMPLE_SECONDS = 5.0
_RSS = re.compile(r"VmRSS:\s+(\d+) kB")


@dataclass(frozen=True)
class Sample:
    """Resident memory of a service with its child processes, when so many images were done."""

    seconds: float
    name: str
    images: int
    megabytes: float


async def soak(home: Path, images: int) -> tuple[list[Sample], float]:
    """Returns the samples, and the seconds that all images took together."""
    shutil.rmtree(home, ignore_errors=True)
    settings = {"FETCH_ALLOW_NETWORKS": "127.0.0.0/8", "LOG_LEVEL": "WARNING"}
    done = [0]
    with serve(small_pictures) as host:
        async with (
            LocalStack(home, settings) as stack,
            httpx.AsyncClient(base_url=stack.gateway_url, timeout=60) as http,
        ):
            began = time.monotonic()
            sampling = asyncio.create_task(_sample(stack, began, done))
            starts = iter(range(0, images, _IMAGES_PER_REQUEST))
            await asyncio.gather(*(_send(http, host, starts, images, done) for _ in range(_AT_ONCE)))
            seconds = time.monotonic() - began
            sampling.cancel()
            with suppress(asyncio.CancelledError):
                await sampling
    return sampling_of(home), seconds


async def _send(http: httpx.AsyncClient, host: ImageHost, starts: Iterator[int], images: int, done: list[int]) -> None:
    """Send requests, each after the last one has ended."""
    for start in starts:
        numbers = range(start, min(start + _IMAGES_PER_REQUEST, images))
        location = await upload(http, catalogue(map(host.url, numbers)))
        await ended(http, location, len(numbers), poll=1)
        done[0] += len(numbers)


async def _sample(stack: LocalStack, began: float, done: list[int]) -> None:
    with (stack.home / "samples").open("w") as file:
        while True:
            now = time.monotonic() - began
            for name, memory in memory_of(stack).items():
                file.write(f"{now} {name} {done[0]} {memory}\n")
            file.flush()
            await asyncio.sleep(_SAMPLE_SECONDS)


def memory_of(stack: LocalStack) -> dict[str, int]:
    """Resident bytes of each process of the stack with its children, by name."""
    return {
        process.name.removesuffix("-0"): sum(map(_resident, [process.popen.pid, *_descendants(process.popen.pid)]))
        for process in [*stack.services.processes(), *stack.servers.processes()]
        if process.name != "epmd"
    }


def sampling_of(home: Path) -> list[Sample]:
    lines = [line.split() for line in (home / "samples").read_text().splitlines()]
    return [Sample(float(seconds), name, int(images), int(size) / 1e6) for seconds, name, images, size in lines]


def _resident(pid: int) -> int:
    with suppress(OSError):
        if match := _RSS.search(Path(f"/proc/{pid}/status").read_text()):
            return int(match[1]) * 1024
    return 0


def _descendants(pid: int) -> Iterator[int]:
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in map(int, (task / "children").read_text().split()):
                yield child
                yield from _descendants(child)
