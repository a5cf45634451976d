"""`make bench-million`: a million small images in one request, from the upload to the output CSV. It takes hours.

python -m benchmarks.million [--images 1000000] [--hosts 1]
"""

import argparse
import asyncio
import csv
import shutil
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import aio_pika
import httpx
from aio_pika.abc import AbstractChannel
from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorDatabase

from benchmarks.compress.tables import table
from benchmarks.image_host import ImageHost, serve
from benchmarks.small_pictures import small_pictures
from benchmarks.soak.plot import plot
from benchmarks.soak.run import Sample, memory_of
from benchmarks.uploads import catalogue, upload
from deploy.local.stack import LocalStack
from shared.messaging import Queue

_HOME = Path(__file__).parents[1] / ".local" / "bench-million"
_SAMPLE_SECONDS = 5.0
_POLL_SECONDS = 0.5
_RATE_SECONDS = 30.0
_IMAGES_PER_SECOND = 5  # slower than this, the benchmark gives up


@dataclass(frozen=True)
class State:
    """What a sample found.

    images: how many have ended. memory: resident bytes by process. data, indexes: bytes in the database.
    messages: in all queues together, waiting to be delivered.
    """

    seconds: float
    images: int
    memory: dict[str, int]
    data: int
    indexes: int
    messages: int


@dataclass(frozen=True)
class Outcome:
    """accepted: seconds until the upload was accepted. finish: from the last image's end to Completed."""

    accepted: float
    total: float
    finish: float
    rows: int
    states: Sequence[State]


async def run(host: ImageHost, images: int, hosts: int) -> Outcome:
    shutil.rmtree(_HOME, ignore_errors=True)
    settings = {"FETCH_ALLOW_NETWORKS": "127.0.0.0/8", "LOG_LEVEL": "WARNING"}
    async with (
        asyncio.timeout(120 + images / _IMAGES_PER_SECOND),
        LocalStack(_HOME / "stack", settings) as stack,
        httpx.AsyncClient(base_url=stack.gateway_url, timeout=600) as http,
        await aio_pika.connect(stack.servers.rabbitmq_url) as broker,
    ):
        database = AsyncIOMotorClient[dict[str, Any]](stack.servers.mongodb_url).get_default_database()
        text = catalogue(host.url(number, 1 + number % hosts) for number in range(images))
        watch = _Watch(stack, database, await broker.channel())
        location = await upload(http, text)
        accepted = watch.now()
        sampling = asyncio.create_task(watch.sample())
        try:
            while (status := (await http.get(location)).json())["status"] == "Pending":
                watch.images = status["progress"]["compressed"] + status["progress"]["failed"]
                await asyncio.sleep(_POLL_SECONDS)
            total = watch.now()
        finally:
            sampling.cancel()
            with suppress(asyncio.CancelledError):
                await sampling
        if status["progress"]["compressed"] != images:
            raise RuntimeError(f"not all images were compressed: {status}")
        finish = await _finish_seconds(database, status["request_id"])
        return Outcome(accepted, total, finish, await _rows(http, status["output_csv_url"]), watch.states)


async def _finish_seconds(database: AsyncIOMotorDatabase[dict[str, Any]], request_id: str) -> float:
    """From the last result's record to Completed."""
    request = await database["requests"].find_one({"_id": request_id}) or {}
    last = {"$group": {"_id": None, "at": {"$max": "$ended_at"}}}
    [found] = [group async for group in database["images"].aggregate([{"$match": {"request_id": request_id}}, last])]
    seconds: float = (request["finished_at"] - found["at"]).total_seconds()
    return seconds


async def _rows(http: httpx.AsyncClient, url: str) -> int:
    async with http.stream("GET", url) as answer:
        answer.raise_for_status()
        return sum([1 async for line in answer.aiter_lines() if line]) - 1


class _Watch:
    """Samples of one stack."""

    def __init__(self, stack: LocalStack, database: AsyncIOMotorDatabase[dict[str, Any]], channel: AbstractChannel):
        self.images = 0
        self.states: list[State] = []
        self._stack = stack
        self._database = database
        self._channel = channel
        self._began = time.monotonic()

    def now(self) -> float:
        return time.monotonic() - self._began

    async def sample(self) -> None:
        """Add a state every few seconds."""
        while True:
            size = await self._database.command("dbStats")
            queues = [await self._channel.declare_queue(name, passive=True) for name in Queue]
            ready = sum(queue.declaration_result.message_count or 0 for queue in queues)
            memory = memory_of(self._stack)
            state = State(self.now(), self.images, memory, int(size["dataSize"]), int(size["indexSize"]), ready)
            self.states.append(state)
            await asyncio.sleep(_SAMPLE_SECONDS)


def rates(states: Sequence[State]) -> list[Sample]:
    """Images per second, over half a minute at a time because the stack counts only every few seconds."""
    starts = states[:: round(_RATE_SECONDS / _SAMPLE_SECONDS)]
    return [
        Sample(
            after.seconds, "images/s", after.images, (after.images - before.images) / (after.seconds - before.seconds)
        )
        for before, after in pairwise(starts)
    ]


def million_table(states: Sequence[State]) -> str:
    """The states after each tenth of the time."""
    processes = sorted(states[0].memory)
    tenths = [states[min(len(states) * tenth // 10, len(states) - 1)] for tenth in range(11)]
    head = ("images", "minutes", "images/s since", "database MB", "messages", *(f"{name} MB" for name in processes))
    rows = [
        (
            f"{after.images:,}",
            f"{after.seconds / 60:.1f}",
            f"{(after.images - before.images) / max(after.seconds - before.seconds, 1):.0f}",
            f"{(after.data + after.indexes) / 1e6:.0f}",
            f"{after.messages:,}",
            *(f"{after.memory.get(name, 0) / 1e6:.0f}" for name in processes),
        )
        for before, after in pairwise(tenths)
    ]
    return table(head, rows)


def _write(states: Sequence[State]) -> None:
    names = sorted(states[0].memory)
    with (_HOME / "million.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("seconds", "images", "data_bytes", "index_bytes", "messages", *names))
        for each in states:
            sizes = (each.memory.get(name, 0) for name in names)
            writer.writerow((f"{each.seconds:.0f}", each.images, each.data, each.indexes, each.messages, *sizes))
    memory = [
        Sample(each.seconds, name, each.images, size / 1e6) for each in states for name, size in each.memory.items()
    ]
    (_HOME / "memory.svg").write_text(plot(memory))
    if speeds := rates(states):
        (_HOME / "speed.svg").write_text(plot(speeds, "images/s"))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.million")
    parser.add_argument("--images", type=int, default=1_000_000, help="in one request")
    parser.add_argument("--hosts", type=int, default=1, choices=range(1, 21), help="image hosts", metavar="1..20")
    options = parser.parse_args()
    with serve(small_pictures) as host:
        outcome = asyncio.run(run(host, options.images, options.hosts))
    _write(outcome.states)
    print(f"{options.images:,} images of {options.hosts} host(s), accepted after {outcome.accepted:.1f} s")
    print(f"Completed after {outcome.total:.0f} s, {options.images / outcome.total:.0f} images/s on average")
    print(f"from the last result to Completed: {outcome.finish:.1f} s; {outcome.rows:,} rows in the output CSV\n")
    print(million_table(outcome.states))
    print(f"\nEvery sample, and plots of memory and speed: {_HOME}")


if __name__ == "__main__":
    main()
