"""The contenders. Each works off the same URLs or files and returns what it took."""

import asyncio
import multiprocessing
import os
import resource
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import httpx
from PIL import Image

from benchmarks.cores import watched_cores
from benchmarks.cpu_time import cpu_seconds
from benchmarks.image_host import ImageHost
from benchmarks.uploads import catalogue, ended, upload
from benchmarks.webhooks import WEBHOOK_SETTINGS, received_webhooks
from deploy.local.ports import Ports
from deploy.local.processes import Process, end_leftovers, spawn
from deploy.local.servers import PrivateServers
from deploy.local.stack import LocalStack

QUALITY = 50
_ROOT = Path(__file__).parents[2]
PEERS_BIN = _ROOT / ".local" / "peers" / "bin"
_WARM_UP = 8
_START_SECONDS = 60


@dataclass(frozen=True)
class Turn:
    """One contender's turn.

    wall: seconds; see the README for what is counted. cpu: seconds of all its processes. notes: further figures.
    """

    wall: float
    cpu: float
    notes: Mapping[str, float] = field(default_factory=dict)


def pillow_loop(paths: Sequence[Path], folder: Path, processes: int) -> Turn:
    """Read, save at quality 50, write; in one process per core, which run already."""
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        save = partial(_save, _empty(folder))
        pool.map(save, list(paths[:1]) * processes * 2, chunksize=1)
        began = time.perf_counter()
        cpu = sum(pool.map(save, paths, chunksize=1))
        return Turn(time.perf_counter() - began, cpu)


def _save(folder: Path, path: Path) -> float:
    """Returns the CPU seconds."""
    began = time.process_time()
    Image.open(path).save(folder / path.name, "JPEG", quality=QUALITY)
    return time.process_time() - began


def img2dataset(host: ImageHost, urls: Sequence[str], folder: Path, processes: int) -> Turn:
    """Its command-line program, from the first request to the last file; the start before that is a note."""
    out = _empty(folder)
    listed = out.with_suffix(".txt")
    listed.write_text("\n".join(urls))
    command: list[str | Path] = [
        PEERS_BIN / "img2dataset",
        f"--url_list={listed}",
        f"--output_folder={out}",
        "--output_format=files",
        "--resize_mode=no",
        "--encode_format=jpg",
        f"--encode_quality={QUALITY}",
        f"--processes_count={processes}",
        "--thread_count=32",
        f"--number_sample_per_shard={-(-len(urls) // processes)}",
    ]
    host.forget()
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.time()
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, "NO_ALBUMENTATIONS_UPDATE": "1"})
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    results = list(out.glob("*/*.jpg"))
    if len(results) != len(urls):
        raise RuntimeError(f"img2dataset made {len(results)} of {len(urls)} files")
    last = max(path.stat().st_mtime for path in results)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Turn(last - host.first_request, cpu, {"start": host.first_request - began})


async def celery(urls: Sequence[str], home: Path, processes: int) -> Turn:
    """Workers that run already, from the first submit to the last result in MongoDB. `home` is absolute."""
    servers = PrivateServers(home, Ports(home / "ports.json"))
    await end_leftovers(home, 5)
    try:
        await servers.start()
        environment = {
            **os.environ,
            "BROKER": servers.rabbitmq_url,
            "BACKEND": servers.mongodb_url,
            "RESULTS": str(_empty(home / "results")),
        }
        worker = _celery_worker(environment, home, processes)
        await worker.ready(lambda: b" ready." in worker.log.read_bytes(), _START_SECONDS)
        await _submit(urls[:_WARM_UP], environment)
        before = cpu_seconds(home)
        wall = await _submit(urls, environment)
        after = cpu_seconds(home)
        await worker.stop(10)
        return Turn(wall, sum(after.values()) - sum(before.values()))
    finally:
        await servers.stop()
        await end_leftovers(home, 5)


def _celery_worker(environment: Mapping[str, str], home: Path, processes: int) -> Process:
    (home / "logs" / "celery.log").unlink(missing_ok=True)
    command: list[str | Path] = [
        PEERS_BIN / "celery",
        *("-A", "benchmarks.peers.tasks", "worker", "--loglevel=INFO", f"--concurrency={processes}"),
    ]
    return spawn("celery", command, environment, home, _ROOT)


async def _submit(urls: Sequence[str], environment: Mapping[str, str]) -> float:
    """Seconds until all tasks have ended."""
    command = [PEERS_BIN / "python", "-m", "benchmarks.peers.submit"]
    run = partial(subprocess.run, input="\n".join(urls), text=True, capture_output=True, env=environment, cwd=_ROOT)
    answer = await asyncio.to_thread(run, command)
    if answer.returncode:
        raise RuntimeError(answer.stderr[-2000:])
    return float(answer.stdout)


async def imagemill(host: ImageHost, count: int, home: Path) -> dict[str, Turn]:
    """Both modes, one after the other, at default settings: from the upload to the webhook.

    Each request has a host address of its own, so the stack knows nothing about it.
    """
    shutil.rmtree(home, ignore_errors=True)
    settings = {"FETCH_ALLOW_NETWORKS": "127.0.0.0/8", **WEBHOOK_SETTINGS, "PUBLIC_BASE_URL": ""}
    async with (
        LocalStack(home, settings) as stack,
        httpx.AsyncClient(base_url=stack.gateway_url, timeout=60) as http,
        received_webhooks(stack.check) as webhooks,
    ):
        warm_up = await upload(http, catalogue(host.url(number, 2) for number in range(_WARM_UP)))
        await ended(http, warm_up, _WARM_UP)
        turns = {}
        for address, mode in ((3, "quality"), (4, "size")):
            host.forget()
            before = cpu_seconds(stack.home)
            async with watched_cores() as cores:
                began = time.time()
                text = catalogue(host.url(number, address) for number in range(count))
                location = await upload(http, text, mode=mode, percent=str(QUALITY), webhook_url=webhooks.url)
                _, over = await webhooks.of(location)
            after = cpu_seconds(stack.home)
            await ended(http, location, count)
            notes = {"finish": over - host.last_response, "idle": cores.idle_seconds(began, over)}
            turns[f"Imagemill, mode `{mode}`"] = Turn(over - began, sum(after.values()) - sum(before.values()), notes)
        return turns


def _empty(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
