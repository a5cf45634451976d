"""The disk of the object store is full for a while: hosts do not get their requests again, and nothing is lost."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aio_pika.abc import AbstractChannel

from shared.contracts.messages import CompressImage
from shared.messaging import Queue
from shared.messaging.codec import decode, encode
from tests.support.builders import an_image
from tests.support.origin import Origin, image
from tests.support.service_process import a_store, open_service
from tests.support.small_disk import SmallDisk, open_small_disk
from tests.support.waiting import until
from tests.support.worker_messages import download

IMAGES = 60
LARGE = 3
"""The first ones are too large for memory."""
OUTAGE_SECONDS = 4
CONCURRENCY = 16


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with open_small_disk(tmp_path / "disk", megabytes=16) as disk:
        yield disk


async def send(channel: AbstractChannel, url: str) -> None:
    command = download(an_image(url), start_by=datetime.now(UTC) + timedelta(minutes=5))
    await channel.default_exchange.publish(encode(command), Queue.DOWNLOAD)


async def test_each_image_is_requested_about_once_and_stored_when_there_is_space(
    disk: SmallDisk, origin: Origin, channel: AbstractChannel, rabbitmq_url: str, tmp_path: Path
) -> None:
    paths = [f"/{number}.jpg" for number in range(IMAGES)]
    for number, path in enumerate(paths):
        body = b"\xff\xd8\xff\xe0" + bytes([number]) * (1_500_000 if number < LARGE else 50_000)
        origin.serve(path, image(body))
    settings = {
        "RABBITMQ_URL": rabbitmq_url,
        "OBJECT_STORE_URL": await a_store(disk.root / "store"),
        "FETCH_ALLOW_NETWORKS": "127.0.0.0/8",
        "FETCH_CONCURRENCY": str(CONCURRENCY),
        "FETCH_PER_HOST": str(CONCURRENCY),
    }
    stored: set[str] = set()
    async with open_service("downloader", tmp_path, settings) as downloader:
        await downloader.until_ready()
        disk.fill(leave=20_000)  # space for a small file, but for no image
        for path in paths:
            await send(channel, origin.url(path))
        await until(lambda: downloader.lacks("storage"), 30, lambda: downloader.log)
        await asyncio.sleep(OUTAGE_SECONDS)  # shows that nothing more is requested
        assert await downloader.lacks("storage")
        assert len(origin.requests) <= CONCURRENCY
        assert downloader.log.count('"dependency_unavailable"') == 1, "the gate stayed closed"

        disk.free()
        commands = await channel.get_queue(Queue.COMPRESS, ensure=False)

        async def all_are_stored() -> bool:
            while delivery := await commands.get(no_ack=True, fail=False):
                command = decode(delivery, (CompressImage,))
                assert isinstance(command, CompressImage)
                stored.add(command.url)
            return len(stored) == IMAGES

        await until(all_are_stored, 60, lambda: f"{len(stored)} images\n{downloader.log}")
        assert await downloader.is_ready()
        assert await downloader.stop() == 0
    requests = [origin.request_count(path) for path in paths]
    assert max(requests) <= 2
    assert sum(requests) <= IMAGES + 2
