"""A process that cannot consume although its dependencies answer ends itself, and says why."""

import json
from pathlib import Path

import aio_pika
import pytest

from shared.messaging import Queue
from tests.support.impatient import LAUNCHER
from tests.support.messaging_runtime import open_broker_proxy
from tests.support.service_process import a_store, open_service
from tests.support.waiting import until


@pytest.fixture
async def settings(rabbitmq_url: str, tmp_path: Path) -> dict[str, str]:
    return {
        "RABBITMQ_URL": rabbitmq_url,
        "OBJECT_STORE_URL": await a_store(tmp_path / "store"),
        "TMPDIR": str(tmp_path),
    }


async def test_a_process_that_cannot_consume_exits_with_1_and_one_clear_last_line(
    rabbitmq_url: str, settings: dict[str, str], tmp_path: Path
) -> None:
    async with (
        open_service("downloader", tmp_path, settings, LAUNCHER) as service,
        await aio_pika.connect(rabbitmq_url) as connection,
        connection.channel() as channel,
    ):
        await service.until_ready()
        # The broker answers pings, but nobody else can declare or consume this queue.
        await channel.queue_delete(Queue.DOWNLOAD)
        await channel.declare_queue(Queue.DOWNLOAD, exclusive=True)

        await until(lambda: service.lacks(f"consuming {Queue.DOWNLOAD}"), what="unready")
        assert await service.ended(30) == 1
        last = json.loads(service.log.splitlines()[-1])
        assert (last["level"], last["message"]) == ("critical", "process_failed")
        assert f"consuming {Queue.DOWNLOAD}: no session for 2 s, though RabbitMQ answers" in last["reason"]


async def test_a_process_outlives_an_outage_of_its_broker(
    rabbitmq_url: str, settings: dict[str, str], tmp_path: Path
) -> None:
    async with (
        open_broker_proxy(rabbitmq_url) as (proxy, url),
        open_service("downloader", tmp_path, settings | {"RABBITMQ_URL": url}, LAUNCHER) as service,
    ):
        await service.until_ready()
        proxy.cut()
        await until(lambda: service.lacks(f"consuming {Queue.DOWNLOAD}"), what=lambda: service.log)
        await until(lambda: service.lacks("broker"), what="the gate is closed")
        assert await service.lives_for(4)
        proxy.restore()
        await service.until_ready()
        assert await service.stop() == 0
