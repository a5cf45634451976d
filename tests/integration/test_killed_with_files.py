"""kill -9 in the middle of an upload, a download and a finish: after the next start no temporary file remains."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aio_pika
import pytest

from shared.contracts.messages import FinishRequest, Message
from shared.contracts.records import Progress
from shared.contracts.states import RequestStatus
from shared.messaging import QUEUE_OF, Queue
from shared.messaging.codec import encode
from shared.persistence import Database, open_database
from shared.settings import MongoSettings
from tests.support.aggregating import a_compressed_image, a_product, a_request
from tests.support.builders import REQUEST_ID, an_image
from tests.support.running_gateway import send
from tests.support.service_process import a_store, open_service
from tests.support.waiting import until
from tests.support.worker_messages import download

URL = "http://images.test/1.jpg"
ROWS = 10_000


@pytest.fixture
async def database(mongodb_url: str) -> AsyncIterator[Database]:
    async with open_database(MongoSettings(mongodb_url=mongodb_url), asyncio.Event()) as database:
        yield database


@pytest.fixture
async def settings(rabbitmq_url: str, mongodb_url: str, tmp_path: Path) -> dict[str, str]:
    (tmp_path / "tmp").mkdir()
    return {
        "RABBITMQ_URL": rabbitmq_url,
        "MONGODB_URL": mongodb_url,
        "OBJECT_STORE_URL": await a_store(tmp_path / "objects"),
        "TMPDIR": str(tmp_path / "tmp"),
        "FETCH_ALLOW_NETWORKS": "127.0.0.0/8",
    }


class Temporary:
    """The directory of temporary files."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def files(self, prefix: str = "") -> list[Path]:
        """Files with content, or in a folder, whose names begin with `prefix`."""
        found = [path for path in self.root.glob(f"*/{prefix}*") if path.name != ".lock"]
        return [path for path in found if path.is_dir() or path.stat().st_size]

    def leftovers(self) -> list[Path]:
        return [path for path in self.root.rglob("*") if path.is_file() and path.name != ".lock"]


@pytest.fixture
def temporary(tmp_path: Path) -> Temporary:
    return Temporary(tmp_path / "tmp")


async def publish(rabbitmq_url: str, message: Message) -> None:
    async with await aio_pika.connect(rabbitmq_url) as connection, connection.channel() as channel:
        await channel.default_exchange.publish(encode(message), QUEUE_OF[type(message)])


async def test_an_upload(settings: dict[str, str], temporary: Temporary, tmp_path: Path) -> None:
    async with open_service("gateway", tmp_path, settings) as gateway:
        await gateway.until_ready()
        port = int(gateway.url.rpartition(":")[2])
        head = "POST /upload HTTP/1.1\nHost: x\nContent-Type: text/csv\nContent-Length: 9000000\n\n"
        _, writer = await send(port, head, b"S. No.,Product Name,Input Image Urls\n" + bytes(3_000_000))
        await until(lambda: bool(temporary.files("upload-")), 30, lambda: gateway.log)
        await gateway.kill()
        writer.close()
    assert temporary.leftovers()
    await start_and_stop("gateway", settings, temporary, tmp_path)


async def test_a_download(settings: dict[str, str], temporary: Temporary, tmp_path: Path, rabbitmq_url: str) -> None:
    async with open_stalling_host() as port, open_service("downloader", tmp_path, settings) as downloader:
        await downloader.until_ready()
        command = download(
            an_image(f"http://127.0.0.1:{port}/1.jpg"), start_by=datetime.now(UTC) + timedelta(minutes=5)
        )
        await publish(rabbitmq_url, command)
        await until(lambda: bool(temporary.files("download-")), 30, lambda: downloader.log)
        await downloader.kill()
    assert temporary.leftovers()
    async with await aio_pika.connect(rabbitmq_url) as connection, connection.channel() as channel:
        await channel.queue_delete(Queue.DOWNLOAD)
    await start_and_stop("downloader", settings, temporary, tmp_path)


async def test_a_finish(
    settings: dict[str, str], temporary: Temporary, tmp_path: Path, rabbitmq_url: str, database: Database
) -> None:
    now = datetime.now(UTC)
    await database.requests.insert(a_request(created_at=now, updated_at=now))
    await database.products.insert_many([a_product(row, URL) for row in range(1, ROWS + 1)])
    await database.images.insert_many([a_compressed_image(URL)])
    await database.requests.close_intake(REQUEST_ID, 1, Progress(1, 1, 0, 0, now))

    async with open_service("aggregator", tmp_path, settings) as aggregator:
        await aggregator.until_ready()
        await publish(rabbitmq_url, FinishRequest(request_id=REQUEST_ID, round=1))
        await until(lambda: bool(temporary.files("outputs-")), 30, lambda: aggregator.log)
        await aggregator.kill()
    assert temporary.leftovers()
    # The new process waits for the lease of the killed one, so it has no files of its own yet.
    await start_and_stop("aggregator", settings | {"DRAIN_TIMEOUT": "0.5"}, temporary, tmp_path)
    request = await database.requests.get(REQUEST_ID)
    assert request
    assert request.status is RequestStatus.PENDING, "the aggregator was killed too late to prove anything"


async def start_and_stop(name: str, settings: dict[str, str], temporary: Temporary, tmp_path: Path) -> None:
    async with open_service(name, tmp_path, settings) as service:
        await service.until_ready()
        assert temporary.leftovers() == []
        assert await service.stop() == 0
    assert list(temporary.root.iterdir()) == []


@asynccontextmanager
async def open_stalling_host() -> AsyncIterator[int]:
    """Sends two megabytes of an image, and then nothing. Yields its port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: image/jpeg\r\ncontent-length: 4000000\r\n\r\n")
        writer.write(b"\xff\xd8\xff\xe0" + bytes(2_000_000))
        await writer.drain()
        await reader.read()  # until the client leaves
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
