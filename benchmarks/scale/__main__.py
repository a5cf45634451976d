"""python -m benchmarks.scale [--images 4000] [--replicas 1 2 4]"""

import argparse
import asyncio
import time
from dataclasses import dataclass
from pathlib import Path

import httpx

from benchmarks.compress.tables import table
from benchmarks.cores import watched_cores
from benchmarks.cpu_time import cpu_seconds
from benchmarks.image_host import ImageHost, serve
from benchmarks.small_pictures import small_pictures
from benchmarks.uploads import catalogue, ended, upload
from benchmarks.webhooks import WEBHOOK_SETTINGS, received_webhooks
from deploy.local.stack import LocalStack

_HOME = Path(__file__).parents[2] / ".local" / "bench-scale"
_LAUNCHER = ("-m", "benchmarks.scale.waiting_compressor")
_WARM_UP = 200
_WARM_UP_ADDRESS = 20
PROGRAMS = ("gateway", "downloader", "compressor", "aggregator", "rabbitmq", "mongodb")
REPLICATED = ("downloader", "compressor")


@dataclass(frozen=True)
class Run:
    """wall: seconds from the upload to the webhook. cpu: seconds by program. idle: see Cores.idle_seconds."""

    replicas: int
    images: int
    wall: float
    cpu: dict[str, float]
    idle: float


async def measure(host: ImageHost, replicas: int, options: argparse.Namespace) -> Run:
    settings = {
        "FETCH_ALLOW_NETWORKS": "127.0.0.0/8",
        **WEBHOOK_SETTINGS,
        "LOG_LEVEL": "WARNING",
        "COMPRESS_PROCESSES": str(options.slots),
        "CODEC_SECONDS": str(options.codec_ms / 1000),
    }
    async with LocalStack(_HOME / "stack", settings) as stack:
        await stack.services.stop("compressor")
        for index in range(replicas):
            await stack.services.start("compressor", index, _LAUNCHER)
            if index:
                await stack.services.start("downloader", index)
        async with (
            httpx.AsyncClient(base_url=stack.gateway_url, timeout=120) as http,
            received_webhooks(stack.check) as webhooks,
        ):
            warm_up = (host.url(number, _WARM_UP_ADDRESS) for number in range(_WARM_UP))
            await ended(http, await upload(http, catalogue(warm_up)), _WARM_UP)
            text = catalogue(host.url(number, 1 + number % options.hosts) for number in range(options.images))
            before, began = cpu_seconds(stack.home), time.time()
            async with watched_cores() as cores:
                location = await upload(http, text, webhook_url=webhooks.url)
                _, over = await webhooks.of(location)
            after = cpu_seconds(stack.home)
            await ended(http, location, options.images)
    cpu = {name: after[name] - before[name] for name in PROGRAMS}
    return Run(replicas, options.images, over - began, cpu, cores.idle_seconds(began, over))


def scale_table(runs: list[Run]) -> str:
    """Speed, CPU per image by program, and the share of a core that each process of a program used."""
    figures = [
        ("images/s", [f"{run.images / run.wall:.0f}" for run in runs]),
        ("CPU ms per image", [f"{1000 * sum(run.cpu.values()) / run.images:.1f}" for run in runs]),
        *(
            (
                f"{name}: ms per image, cores per process",
                [f"{1000 * run.cpu[name] / run.images:.2f}, {_cores_each(run, name):.2f}" for run in runs],
            )
            for name in PROGRAMS
        ),
        ("seconds with the cores less than half busy", [f"{run.idle:.1f} of {run.wall:.1f}" for run in runs]),
        ("busiest process", [_busiest(run) for run in runs]),
    ]
    head = ("processes of each worker", *(str(run.replicas) for run in runs))
    return table(head, [(name, *cells) for name, cells in figures])


def _busiest(run: Run) -> str:
    return max(PROGRAMS, key=lambda name: _cores_each(run, name))


def _cores_each(run: Run, program: str) -> float:
    return run.cpu[program] / run.wall / (run.replicas if program in REPLICATED else 1)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale")
    parser.add_argument("--images", type=int, default=4000, help="in one request")
    parser.add_argument("--replicas", type=int, nargs="+", default=(1, 2, 4), help="processes of each worker")
    parser.add_argument("--hosts", type=int, default=8, choices=range(1, 20), help="image hosts", metavar="1..19")
    parser.add_argument("--host-ms", type=int, default=50, help="until a host answers")
    parser.add_argument("--codec-ms", type=int, default=20, help="that the codec waits")
    parser.add_argument("--slots", type=int, default=8, help="images that a compressor's codec takes at a time")
    options = parser.parse_args()
    runs = []
    with serve(small_pictures, options.host_ms / 1000) as host:
        for replicas in options.replicas:
            runs.append(asyncio.run(measure(host, replicas, options)))
            print(f"  {replicas}: {runs[-1].images / runs[-1].wall:.0f} images/s", flush=True)
    print(
        f"\n{options.images} images of {options.hosts} hosts that answer after {options.host_ms} ms;"
        f" codec {options.codec_ms} ms in {options.slots} slots per compressor\n"
    )
    print(scale_table(runs))


if __name__ == "__main__":
    main()
