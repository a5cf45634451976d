"""The downloader as a process, with a real broker, a scripted origin and a directory as object store."""

import asyncio
import re
import signal
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import httpx
import pytest
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage

from shared.contracts.error_codes import ErrorCode
from shared.contracts.messages import (
    CompressImage,
    CompressOptions,
    DownloadImage,
    DownloadsReported,
    ImageFailed,
    ImagesProbed,
    Message,
    ProbeImages,
    Report,
)
from shared.messaging import Queue, open_broker
from shared.messaging.codec import decode, encode
from shared.messaging.topology import COMMANDS_EXCHANGE
from shared.settings import RabbitSettings
from shared.storage import open_object_store
from tests.support.origin import Origin, Response, image
from tests.support.own_process import own_process
from tests.support.reports import reports_to
from tests.support.service_process import free_port
from tests.support.shifted_clock import launcher
from tests.support.waiting import until

JPEG = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 20
DEADLINE = 30


@asynccontextmanager
async def downloader(
    rabbitmq_url: str, store_url: str, metrics_port: int = 0, clock_ahead: float = 0
) -> AsyncIterator[Process]:
    settings = {
        "RABBITMQ_URL": rabbitmq_url,
        "OBJECT_STORE_URL": store_url,
        "FETCH_ALLOW_NETWORKS": "127.0.0.1/32",
        "METRICS_PORT": str(metrics_port),
    }
    arguments = [*launcher(clock_ahead), "downloader"] if clock_ahead else ["-m", "services.downloader"]
    async with own_process(*arguments, variables=settings, stderr=asyncio.subprocess.DEVNULL) as process:
        yield process


async def send(
    channel: AbstractChannel, url: str, image_id: str = "a" * 32, start_within: timedelta = timedelta(minutes=1)
) -> None:
    command = DownloadImage(
        request_id="r1",
        image_id=image_id,
        round=1,
        dispatch=1,
        attempt=1,
        url=url,
        options=CompressOptions(),
        start_by=datetime.now(UTC) + start_within,
    )
    await channel.default_exchange.publish(encode(command), Queue.DOWNLOAD)


async def receive(channel: AbstractChannel, queue: str) -> Message:
    waiting = await channel.get_queue(queue, ensure=False)
    received: list[AbstractIncomingMessage] = []

    async def has_arrived() -> bool:
        if message := await waiting.get(fail=False):
            received.append(message)
        return bool(received)

    await until(has_arrived, DEADLINE, f"a message in {queue}")
    [delivery] = received
    await delivery.ack()
    return decode(delivery, (CompressImage, ImageFailed, ImagesProbed))


async def test_commands_produce_originals_or_failures_and_sigterm_finishes_the_last_one(
    rabbitmq_url: str, channel: AbstractChannel, origin: Origin, tmp_path: Path
) -> None:
    origin.serve("/a.jpg", image(JPEG))
    origin.serve("/slow.jpg", Response(body=JPEG[:200], byte_interval=0.01))
    store = open_object_store(f"file://{tmp_path}/store")
    await store.make()
    async with downloader(rabbitmq_url, f"file://{tmp_path}/store") as process:
        await send(channel, origin.url("/a.jpg"))
        stored = await receive(channel, Queue.COMPRESS)
        assert isinstance(stored, CompressImage)
        assert await store.get_bytes(stored.original_key) == JPEG

        for url, code in (
            (origin.url("/missing.jpg"), ErrorCode.HTTP_404),
            ("http://169.254.169.254/latest/meta-data/", ErrorCode.BLOCKED_ADDRESS),
            ("http://127.0.0.2/a.jpg", ErrorCode.BLOCKED_ADDRESS),
        ):
            await send(channel, url)
            failed = await receive(channel, Queue.RESULTS)
            assert isinstance(failed, ImageFailed)
            assert failed.error_code is code

        await send(channel, origin.url("/slow.jpg"))
        await until(lambda: bool(origin.request_count("/slow.jpg")), DEADLINE)
        process.send_signal(signal.SIGTERM)
        assert isinstance(await receive(channel, Queue.COMPRESS), CompressImage)
        async with asyncio.timeout(DEADLINE):
            assert await process.wait() == 0
    await store.close()


async def test_a_downloader_reports_each_download_that_has_ended_and_signs_of_life(
    rabbitmq_url: str, channel: AbstractChannel, origin: Origin, tmp_path: Path
) -> None:
    """Successes, failures, refusals and dropped commands; `first_byte_ms` only with a response."""
    store_url = f"file://{tmp_path}/store"
    store = open_object_store(store_url)
    await store.make()
    origin.serve("/a.jpg", image(JPEG))
    origin.serve("/busy.jpg", Response(status=429))
    reports: list[DownloadsReported] = []

    def take(report: Report) -> None:
        assert isinstance(report, DownloadsReported)
        reports.append(report)

    def ended() -> dict[str, tuple[bool, bool, bool]]:
        return {
            each.image_id: (each.compresses, each.refused, each.first_byte_ms is not None)
            for report in reports
            for each in report.ended
        }

    async with (
        open_broker(RabbitSettings(rabbitmq_url=rabbitmq_url), "test", asyncio.Event()) as broker,
        reports_to(take, broker),
        downloader(rabbitmq_url, store_url),
    ):
        await send(channel, origin.url("/a.jpg"), "good")
        await send(channel, origin.url("/missing.jpg"), "missing")
        await send(channel, origin.url("/busy.jpg"), "busy")
        await send(channel, origin.url("/a.jpg"), "late", start_within=timedelta(minutes=-1))
        await until(lambda: len(ended()) == 4, DEADLINE, lambda: str(ended()))
        assert ended() == {
            "good": (True, False, True),
            "missing": (False, False, True),
            "busy": (False, True, True),
            "late": (False, False, False),
        }
        known = len(reports)
        await until(lambda: len(reports) >= known + 2, DEADLINE, "signs of life")
        assert not any(report.ended for report in reports[known:])
        assert {report.slots for report in reports} == {128}
        assert len({report.worker for report in reports}) == 1
    await store.close()


async def test_urls_are_probed_while_downloads_wait_for_the_store(
    rabbitmq_url: str, channel: AbstractChannel, origin: Origin, tmp_path: Path
) -> None:
    url = origin.serve("/a.jpg", image(JPEG))
    (tmp_path / "file").touch()
    replies = await channel.declare_queue(exclusive=True)
    port = free_port()
    async with (
        downloader(rabbitmq_url, f"file://{tmp_path}/file/store", port),
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http,
    ):
        await send(channel, url)
        await until(lambda: lacks_its_store(http), within=DEADLINE, what="an unavailable store")
        await replies.bind(COMMANDS_EXCHANGE, replies.name)
        answer_by = datetime.now(UTC) + timedelta(seconds=DEADLINE)
        probe = ProbeImages(probe_id="p1", reply_to=replies.name, urls=(url,), answer_by=answer_by)
        await channel.default_exchange.publish(encode(probe), Queue.PROBE)
        probed = await receive(channel, replies.name)
        assert isinstance(probed, ImagesProbed)
        assert [(image.url, image.size) for image in probed.images] == [(url, len(JPEG))]
        assert await lacks_its_store(http)


async def test_downloaders_with_wrong_clocks_work_and_report_it(
    rabbitmq_url: str, channel: AbstractChannel, origin: Origin, tmp_path: Path
) -> None:
    """One is twenty minutes ahead, one behind: neither drops a command, and each says so."""
    url = origin.serve("/a.jpg", image(JPEG))
    store_url = f"file://{tmp_path}/store"
    store = open_object_store(store_url)
    await store.make()
    ports = {1200: free_port(), -1200: free_port()}
    async with AsyncExitStack() as processes:
        for seconds, port in ports.items():
            await processes.enter_async_context(downloader(rabbitmq_url, store_url, port, seconds))
        for port in ports.values():
            await until(partial(_reports, port, "imagemill_clock_skew_seconds{"), DEADLINE)
        for _ in range(40):
            await send(channel, url)
        for _ in range(40):
            assert isinstance(await receive(channel, Queue.COMPRESS), CompressImage)
        for seconds, port in ports.items():
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
                [skew] = re.findall(
                    r'imagemill_clock_skew_seconds{reference="storage"} (\S+)', (await http.get("/metrics")).text
                )
                assert float(skew) == pytest.approx(seconds, abs=5)
                readiness = await http.get("/readyz")
                assert readiness.status_code == 503
                direction = "ahead of" if seconds > 0 else "behind"
                assert re.fullmatch(
                    rf"this machine's clock is 1\d\d\d\.\d s {direction} that of the storage",
                    readiness.json()["not_ready"]["clock"],
                )
    await store.close()


async def _reports(port: int, metric: str) -> bool:
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
            return metric in (await http.get("/metrics")).text
    except httpx.TransportError:  # it does not listen yet
        return False


async def lacks_its_store(http: httpx.AsyncClient) -> bool:
    try:
        answer = await http.get("/readyz")
    except httpx.TransportError:  # it does not listen yet
        return False
    return answer.status_code == 503 and "storage" in answer.text
