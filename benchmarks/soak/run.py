"""Sends the images and samples the resident memory of every process meanwhile."""

import asyncio
import csv
import io
import multiprocessing
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import httpx

from deploy.local.stack import LocalStack
from tests.support.origin import open_server
from tests.support.pictures import a_photo

_IMAGES_PER_REQUEST = 5_000
_AT_ONCE = 2
_SAMPLE_SECONDS = 5.0
_PICTURES = 200
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
    settings = {"FETCH_ALLOW_NETWORKS": "127.0.0.0/8", "FETCH_HOST_RATE": "0", "LOG_LEVEL": "WARNING"}
    done = [0]
    with _host() as url:
        async with LocalStack(home, settings) as stack, httpx.AsyncClient(base_url=stack.gateway_url) as http:
            began = time.monotonic()
            sampling = asyncio.create_task(_sample(stack, began, done))
            starts = iter(range(0, images, _IMAGES_PER_REQUEST))
            await asyncio.gather(*(_send(http, url, starts, images, done) for _ in range(_AT_ONCE)))
            seconds = time.monotonic() - began
            sampling.cancel()
            with suppress(asyncio.CancelledError):
                await sampling
    return sampling_of(home), seconds


async def _send(http: httpx.AsyncClient, url: str, starts: Iterator[int], images: int, done: list[int]) -> None:
    """Send requests, each after the last one has ended."""
    for start in starts:
        numbers = range(start, min(start + _IMAGES_PER_REQUEST, images))
        text = io.StringIO(newline="")
        writer = csv.writer(text)
        writer.writerow(("S. No.", "Product Name", "Input Image Urls"))
        writer.writerows((number, f"Product {number}", f"{url}/{number}.jpg") for number in numbers)
        answer = await http.post("/upload", files={"file": ("soak.csv", text.getvalue())}, timeout=60)
        answer.raise_for_status()
        while (status := (await http.get(answer.headers["location"], timeout=60)).json())["status"] == "Pending":
            await asyncio.sleep(1)
        if status["progress"]["compressed"] != len(numbers):
            raise RuntimeError(f"not all images were compressed: {status}")
        done[0] += len(numbers)


async def _sample(stack: LocalStack, began: float, done: list[int]) -> None:
    with (stack.home / "samples").open("w") as file:
        while True:
            now = time.monotonic() - began
            for process in [*stack.services.processes(), *stack.servers.processes()]:
                memory = sum(map(_resident, [process.popen.pid, *_descendants(process.popen.pid)]))
                file.write(f"{now} {process.name.removesuffix('-0')} {done[0]} {memory}\n")
            file.flush()
            await asyncio.sleep(_SAMPLE_SECONDS)


def sampling_of(home: Path) -> list[Sample]:
    lines = [line.split() for line in (home / "samples").read_text().splitlines()]
    return [
        Sample(float(seconds), name, int(images), int(size) / 1e6)
        for seconds, name, images, size in lines
        if name != "epmd"
    ]


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


@contextmanager
def _host() -> Iterator[str]:
    """An image host in its own process. Each of its pictures has bytes of its own."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    server = context.Process(target=_serve, args=(theirs,), daemon=True)
    server.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}"
    finally:
        server.kill()
        server.join()


def _serve(pipe: Connection) -> None:
    pictures = [a_photo(number, 160, 120) for number in range(_PICTURES)]

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                number = int(head.split(b" ")[1].strip(b"/").partition(b".")[0])
                body = _with_comment(pictures[number % _PICTURES], b"%d" % number)
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(body))
                writer.write(body)
                await writer.drain()

    async def run() -> None:
        async with open_server(answer) as port:
            pipe.send(port)
            await asyncio.Event().wait()

    asyncio.run(run())


def _with_comment(jpeg: bytes, comment: bytes) -> bytes:
    return jpeg[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + jpeg[2:]
