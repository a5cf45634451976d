"""The disk for temporary files is full for a while: work waits, nothing is lost, and readiness shows it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from prometheus_client import CollectorRegistry

from shared.contracts.messages import FinishRequest
from shared.contracts.records import Progress
from shared.contracts.states import RequestStatus
from shared.messaging import Publisher, Queue, open_broker
from shared.observability import Metrics
from shared.persistence import Database, open_database
from shared.settings import MongoSettings, RabbitSettings
from tests.support.aggregating import a_compressed_image, a_product, a_request
from tests.support.builders import REQUEST_ID
from tests.support.messaging_runtime import waiting_in
from tests.support.running_gateway import problem
from tests.support.service_process import ServiceProcess, a_store, open_service
from tests.support.small_disk import SmallDisk, open_small_disk
from tests.support.stack import a_catalogue
from tests.support.waiting import until

URL = "http://images.test/1.jpg"
CATALOGUE = a_catalogue([[URL]] * 20_000)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with open_small_disk(tmp_path / "tmp", megabytes=8) as disk:
        yield disk


@pytest.fixture
async def database(mongodb_url: str) -> AsyncIterator[Database]:
    async with open_database(MongoSettings(mongodb_url=mongodb_url), asyncio.Event()) as database:
        yield database


@pytest.fixture
async def settings(disk: SmallDisk, rabbitmq_url: str, mongodb_url: str, tmp_path: Path) -> dict[str, str]:
    return {
        "RABBITMQ_URL": rabbitmq_url,
        "MONGODB_URL": mongodb_url,
        "OBJECT_STORE_URL": await a_store(tmp_path / "objects"),
        "TMPDIR": str(disk.root),
    }


def files_in(disk: SmallDisk) -> list[Path]:
    return [path for path in disk.root.rglob("*") if path.is_file() and path.name != ".lock"]


async def publish(rabbitmq_url: str, message: FinishRequest) -> None:
    async with open_broker(RabbitSettings(rabbitmq_url=rabbitmq_url), "test", asyncio.Event()) as broker:
        await Publisher(broker, Metrics(CollectorRegistry())).publish([message])


async def insert_request_to_finish(database: Database) -> None:
    """A request whose only image is compressed, and whose rows need more than one write."""
    now = datetime.now(UTC)
    await database.requests.insert(a_request(created_at=now, updated_at=now))
    await database.products.insert_many([a_product(row, URL) for row in range(1, 2001)])
    await database.images.insert_many([a_compressed_image(URL)])
    await database.requests.close_intake(REQUEST_ID, 1, Progress(1, 1, 0, 0, now))


async def test_a_finish_waits_for_space_and_succeeds(
    disk: SmallDisk, settings: dict[str, str], rabbitmq_url: str, database: Database, tmp_path: Path
) -> None:
    await insert_request_to_finish(database)

    async def status() -> RequestStatus | None:
        request = await database.requests.get(REQUEST_ID)
        return request.status if request else None

    async def is_completed() -> bool:
        return await status() is RequestStatus.COMPLETED

    async with open_service("aggregator", tmp_path, settings) as aggregator:
        await aggregator.until_ready()
        disk.fill()
        await publish(rabbitmq_url, FinishRequest(request_id=REQUEST_ID, round=1))
        await until(lambda: aggregator.lacks("disk"), 30, lambda: aggregator.log)
        await asyncio.sleep(2)  # shows that it waits: it neither fails nor becomes ready
        assert await status() is RequestStatus.PENDING
        assert "No space left" in (await aggregator.not_ready() or {})["disk"]
        assert "handler_failed" not in aggregator.log
        assert await waiting_in(rabbitmq_url, Queue.DEAD) == 0

        disk.free()
        await until(is_completed, 30, lambda: aggregator.log)
        await aggregator.until_ready()
        assert not files_in(disk)
        assert await aggregator.stop() == 0
    assert list(disk.root.iterdir()) == []


async def upload(gateway: ServiceProcess) -> httpx.Response:
    async with httpx.AsyncClient(timeout=20) as http:
        return await http.post(f"{gateway.url}/upload", content=CATALOGUE, headers={"Content-Type": "text/csv"})


async def test_an_upload_is_a_503_until_there_is_space(
    disk: SmallDisk, settings: dict[str, str], database: Database, tmp_path: Path
) -> None:
    async with open_service("gateway", tmp_path, settings) as gateway:
        await gateway.until_ready()
        disk.fill()
        refused = await upload(gateway)
        assert problem(refused, 503)["type"] == "urn:imagemill:problem:unavailable"
        assert int(refused.headers["Retry-After"]) > 0
        assert await gateway.lacks("disk")
        assert not files_in(disk)[1:], "only the file that fills the disk is there"

        disk.free()
        await until(gateway.is_ready, 30, lambda: gateway.log)
        accepted = await upload(gateway)
        assert accepted.status_code == 202
        request_id = accepted.json()["request_id"]

        async def is_taken_in() -> bool:
            request = await database.requests.get(request_id)
            return request is not None and not request.intake_open

        await until(is_taken_in, 30, lambda: gateway.log)
        assert not files_in(disk)
        assert await gateway.stop() == 0
    assert list(disk.root.iterdir()) == []
