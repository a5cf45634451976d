"""`make bench-latency`: one image on an idle stack, from the upload to the webhook.

python -m benchmarks.latency [--requests 100] [--kilobytes 240]
"""

import argparse
import asyncio
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import httpx
from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorDatabase

from benchmarks.compress.tables import table
from benchmarks.image_host import ImageHost, serve_files
from benchmarks.peers.corpus import make_corpus
from benchmarks.uploads import catalogue, upload
from benchmarks.webhooks import WEBHOOK_SETTINGS, Webhooks, received_webhooks
from deploy.local.stack import LocalStack

_HOME = Path(__file__).parents[1] / ".local" / "bench-latency"
_PAUSE_SECONDS = 0.5
_PATIENCE_SECONDS = 60
_WARM_UP = 5

STAGES = (
    "upload accepted",
    "the host has the request",
    "downloaded",
    "compressed and recorded",
    "outputs written, Completed",
    "webhook received",
)
"""What has happened when a stage ends; each begins when the one before ends."""


async def measure(requests: int, kilobytes: int) -> list[list[float]]:
    """For each request: the seconds of each stage."""
    paths = make_corpus(_HOME / f"{kilobytes}-kB", requests + _WARM_UP, 1000 * kilobytes)
    settings = {
        "FETCH_ALLOW_NETWORKS": "127.0.0.0/8",
        **WEBHOOK_SETTINGS,
        "PUBLIC_BASE_URL": "",
    }
    with serve_files(paths) as host:
        async with (
            LocalStack(_HOME / "stack", settings) as stack,
            httpx.AsyncClient(base_url=stack.gateway_url, timeout=_PATIENCE_SECONDS) as http,
            received_webhooks(stack.check) as webhooks,
        ):
            client = AsyncIOMotorClient[dict[str, Any]](stack.servers.mongodb_url, tz_aware=True)
            stages = []
            for number in range(requests + _WARM_UP):
                stages.append(await _one(http, host, number, webhooks, client.get_default_database()))
                await asyncio.sleep(_PAUSE_SECONDS)
            client.close()
            return stages[_WARM_UP:]


async def _one(
    http: httpx.AsyncClient,
    host: ImageHost,
    number: int,
    webhooks: Webhooks,
    database: AsyncIOMotorDatabase[dict[str, Any]],
) -> list[float]:
    host.forget()
    text = catalogue([host.url(number)])
    began = time.time()
    location = await upload(http, text, webhook_url=webhooks.url)
    accepted = time.time()
    request_id, received = await webhooks.of(location)
    request = await database["requests"].find_one({"_id": request_id})
    image = await database["images"].find_one({"request_id": request_id})
    if not request or not image:
        raise RuntimeError(f"{request_id} is not in the database")
    times = [
        began,
        accepted,
        host.first_request,
        host.last_response,
        image["ended_at"].timestamp(),
        request["finished_at"].timestamp(),
        received,
    ]
    return [after - before for before, after in pairwise(times)]


def latency_table(requests: Sequence[Sequence[float]]) -> str:
    """Median and 99th percentile of each stage and of the whole, in milliseconds."""
    wholes = [sum(stages) for stages in requests]
    rows = [*zip(STAGES, zip(*requests, strict=True), strict=True), ("upload to webhook", wholes)]
    return table(
        ("until", "median ms", "p99 ms"),
        [(name, f"{1000 * median(seconds):.0f}", f"{1000 * _percentile_99(seconds):.0f}") for name, seconds in rows],
    )


def _percentile_99(values: Sequence[float]) -> float:
    return quantiles(values, n=100, method="inclusive")[98] if len(values) > 1 else values[0]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.latency")
    parser.add_argument("--requests", type=int, default=100, help="requests, one after the other")
    parser.add_argument("--kilobytes", type=int, default=240, help="size of the image")
    options = parser.parse_args()
    requests = asyncio.run(measure(options.requests, options.kilobytes))
    print(f"{len(requests)} requests of one image of about {options.kilobytes} kB, one after the other, idle stack\n")
    print(latency_table(requests))


if __name__ == "__main__":
    main()
