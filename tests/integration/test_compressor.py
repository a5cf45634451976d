"""The compressor as a process, with a real broker and a directory as object store, whose worker process hangs."""

import asyncio
import os
import signal
import time
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, AbstractQueue

from shared.contracts.error_codes import ErrorCode
from shared.contracts.messages import (
    CompressImage,
    CompressionsReported,
    CompressOptions,
    ImageCompressed,
    ImageDeferred,
    Message,
)
from shared.messaging import Queue
from shared.messaging.codec import decode, encode
from shared.messaging.topology import COMMANDS_EXCHANGE, REPORTS_EXCHANGE, queue_of
from shared.storage import ObjectStore, open_object_store
from tests.support.messaging_runtime import is_waiting
from tests.support.own_process import own_process
from tests.support.pictures import a_photo
from tests.support.waiting import until

PATIENCE = 60
SMALL = a_photo(2)
LONG_WORK = a_photo(3, 5000, 3800, quality=100)
"""Compressing it takes a second or more, in which its process can be suspended."""
LARGE = a_photo(1, 1600, 1200, quality=100)
"""Handing it over waits for the worker process, since it exceeds a pipe's buffer."""


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[ObjectStore]:
    opened = open_object_store(f"file://{tmp_path}/store")
    await opened.make()
    yield opened
    await opened.close()


@asynccontextmanager
async def compressor(rabbitmq_url: str, store_url: str, timeout: float = 2) -> AsyncIterator[Process]:  # noqa: ASYNC109
    settings = {
        "RABBITMQ_URL": rabbitmq_url,
        "OBJECT_STORE_URL": store_url,
        "COMPRESS_PROCESSES": "1",
        "COMPRESS_TIMEOUT": str(timeout),
        "METRICS_PORT": "0",
    }
    arguments = ("-m", "services.compressor")
    async with own_process(*arguments, variables=settings, stderr=asyncio.subprocess.DEVNULL) as process:
        yield process


def children_of(process: int) -> list[int]:
    threads = Path(f"/proc/{process}/task").glob("*/children")
    return [int(child) for children in threads for child in children.read_text().split()]


async def proven_worker(service: Process, channel: AbstractChannel, store: ObjectStore, original: bytes) -> int:
    """The worker process, which has compressed this. One that is stopped before it is ready would only start late."""
    await send(channel, store, original, request_id="first")
    assert await compressed(channel) == "first"
    return await worker_of(service)


async def worker_of(service: Process, *others: int) -> int:
    """The worker process that is none of the others, once it starts to work: it ignores SIGTERM then."""
    found: list[int] = []

    def is_ready() -> bool:
        children = set(children_of(service.pid)).difference(others)
        found[:] = [child for child in children if _ignores_sigterm(child)]
        return bool(found)

    await until(is_ready, PATIENCE)
    return found[0]


def _ignores_sigterm(process: int) -> bool:
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
        command = Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return False
    mask = int(next(line for line in lines if line.startswith("SigIgn:")).split()[1], 16)
    return b"spawn_main" in command and bool(mask & 1 << (signal.SIGTERM - 1))


async def send(
    channel: AbstractChannel, store: ObjectStore, original: bytes, losses: int = 0, request_id: str = "r1"
) -> None:
    key = f"originals/{request_id}/{'a' * 32}-0"
    await store.put_bytes(key, original, "image/jpeg")
    command = CompressImage(
        request_id=request_id,
        image_id="a" * 32,
        round=1,
        dispatch=1,
        attempt=1,
        url="http://images.test/1.jpg",
        options=CompressOptions(),
        start_by=datetime.now(UTC) + timedelta(minutes=5),
        original_key=key,
        original_bytes=len(original),
        fetch_ms=1,
        losses=losses,
    )
    await channel.default_exchange.publish(encode(command), queue_of(command))


async def result(channel: AbstractChannel) -> Message:
    waiting = await channel.get_queue(Queue.RESULTS, ensure=False)
    received: list[AbstractIncomingMessage] = []

    async def has_arrived() -> bool:
        if message := await waiting.get(fail=False):
            received.append(message)
        return bool(received)

    await until(has_arrived, PATIENCE, "a result")
    [delivery] = received
    await delivery.ack()
    return decode(delivery, (ImageCompressed, ImageDeferred))


async def compressed(channel: AbstractChannel) -> str:
    """The request of the next result, whose image is compressed."""
    received = await result(channel)
    assert isinstance(received, ImageCompressed)
    return received.request_id


async def copies_of(channel: AbstractChannel, exchange: str, routing_key: str = "") -> AbstractQueue:
    """A queue that receives what the exchange receives with this key."""
    queue = await channel.declare_queue(exclusive=True)
    await queue.bind(exchange, routing_key)
    return queue


async def slow_requests(reports: AbstractQueue, count: int) -> list[str]:
    """Of the images that are reported as slow, once there are `count`."""
    reported: list[str] = []

    async def are_reported() -> bool:
        while message := await reports.get(fail=False, no_ack=True):
            report = decode(message, (CompressionsReported,))
            assert isinstance(report, CompressionsReported)
            reported.extend(image.request_id for image in report.slow)
        return len(reported) >= count

    await until(are_reported, PATIENCE, lambda: f"{reported} are reported")
    return reported


async def test_a_worker_process_that_hangs_is_replaced_and_the_service_stops_promptly(
    rabbitmq_url: str, channel: AbstractChannel, store: ObjectStore, tmp_path: Path
) -> None:
    assert len(LARGE) > 1_000_000
    async with compressor(rabbitmq_url, f"file://{tmp_path}/store") as service:
        os.kill(await proven_worker(service, channel, store, SMALL), signal.SIGSTOP)
        await send(channel, store, LARGE)

        lost = await result(channel)
        assert isinstance(lost, ImageDeferred)
        assert (lost.error_code, lost.counts, lost.lost) == (ErrorCode.DECODE_TIMEOUT, False, True)

        await send(channel, store, LARGE, losses=1)  # alone, by a new process
        assert isinstance(await result(channel), ImageCompressed)

        os.kill(await worker_of(service), signal.SIGSTOP)
        await send(channel, store, LARGE)
        await until(lambda: is_waiting(rabbitmq_url, Queue.COMPRESS, 0), PATIENCE)
        asked_at = time.monotonic()
        service.terminate()
        assert await service.wait() == 0
        assert time.monotonic() - asked_at < PATIENCE / 4, "DRAIN_TIMEOUT is longer"


async def test_slow_pictures_are_reported_and_the_one_that_finds_the_slow_lane_full_returns_through_its_queue(
    rabbitmq_url: str, channel: AbstractChannel, store: ObjectStore, tmp_path: Path
) -> None:
    reports = await copies_of(channel, REPORTS_EXCHANGE)
    sent_to_slow_lane = await copies_of(channel, COMMANDS_EXCHANGE, Queue.COMPRESS_SLOW)
    async with compressor(rabbitmq_url, f"file://{tmp_path}/store", timeout=PATIENCE) as service:
        usual = await proven_worker(service, channel, store, LARGE)
        os.kill(usual, signal.SIGSTOP)
        await send(channel, store, SMALL, request_id="moves")
        await until(lambda: is_waiting(rabbitmq_url, Queue.COMPRESS, 0), PATIENCE)
        await send(channel, store, LONG_WORK, request_id="stops")
        assert await slow_requests(reports, 1) == ["moves"]

        os.kill(await worker_of(service, usual), signal.SIGSTOP)
        await send(channel, store, SMALL, request_id="waits")
        assert await slow_requests(reports, 1) == ["stops"]
        assert await compressed(channel) == "waits"

        command = decode(await sent_to_slow_lane.get(timeout=PATIENCE, no_ack=True, fail=True), (CompressImage,))
        assert isinstance(command, CompressImage)
        assert command.request_id == "stops"
        assert command.spent_ms > 0

        os.kill(usual, signal.SIGCONT)
        assert [await compressed(channel), await compressed(channel)] == ["moves", "stops"]
