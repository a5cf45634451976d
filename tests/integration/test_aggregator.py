"""The aggregator as a process: from the workers' results to the files, the events and the webhook.

The receiver and the subscriber are the examples in docs/events.md, run unchanged.
"""

import asyncio
import csv
import io
import re
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import aio_pika
import httpx
import pytest
from prometheus_client import CollectorRegistry

from shared.contracts.deliveries import DeliveryState
from shared.contracts.error_codes import ErrorCode
from shared.contracts.messages import ImageCompressed, ImageFailed, Message, Report, ResultsRecorded
from shared.contracts.object_keys import image_id
from shared.contracts.records import Progress
from shared.contracts.states import RequestStatus
from shared.messaging import Publisher, Queue, open_broker
from shared.observability import Metrics
from shared.persistence import Database, open_database
from shared.settings import MongoSettings, RabbitSettings
from shared.storage import ObjectStore, open_object_store
from tests.support.builders import REQUEST_ID, a_product, a_request, a_result, an_image
from tests.support.own_process import own_process
from tests.support.reports import reports_to
from tests.support.service_process import free_port
from tests.support.tree import ROOT
from tests.support.waiting import until

GUIDE = ROOT / "docs" / "events.md"
SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"
BASE_URL = "http://imagemill.test"
GOOD, BAD = "http://i.test/good.jpg", "http://i.test/bad.jpg"
ORIGINAL_KEY = f"originals/{REQUEST_ID}/{image_id(GOOD)}-0123456789abcdef"
RESULT_KEY = f"results/{REQUEST_ID}/good-0123456789abcdef.jpg"


def example(number: int) -> str:
    """A Python example of docs/events.md."""
    return str(re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)[number])


async def is_up(url: str) -> bool:
    """Whether `url` responds with a status other than 503."""
    async with httpx.AsyncClient() as client:
        with suppress(httpx.TransportError):
            return (await client.get(url)).status_code != 503
    return False


async def lines_until(process: asyncio.subprocess.Process, wanted: str) -> list[str]:
    """What the process prints, up to the line with `wanted` in it."""
    assert process.stdout is not None
    lines: list[str] = []
    async with asyncio.timeout(30):
        while not lines or wanted not in lines[-1]:
            line = await process.stdout.readline()
            assert line, f"the process ended after {lines}"
            lines.append(line.decode().strip())
    return lines


@pytest.fixture
async def database(mongodb_url: str) -> AsyncIterator[Database]:
    async with open_database(MongoSettings(mongodb_url=mongodb_url), asyncio.Event()) as database:
        yield database


async def insert_dispatched_request(database: Database, webhook_url: str) -> None:
    """Insert a request whose two images are dispatched."""
    now = datetime.now(UTC)
    await database.requests.insert(a_request(webhook_url=webhook_url, created_at=now, updated_at=now))
    await database.products.insert_many([a_product(1, (GOOD, BAD)), a_product(2, (GOOD,))])
    images = [an_image(url) for url in (GOOD, BAD)]
    await database.images.insert_many(images)
    await database.images.mark_dispatched(images)
    await database.requests.close_intake(REQUEST_ID, 1, Progress(2, 0, 0, 2, now))


def results() -> list[Message]:
    """The workers' results, one of them delivered twice."""
    compressed = ImageCompressed(
        request_id=REQUEST_ID,
        image_id=image_id(GOOD),
        round=1,
        dispatch=1,
        attempt=1,
        original_key=ORIGINAL_KEY,
        result=a_result(key=RESULT_KEY),
    )
    failed = ImageFailed(
        request_id=REQUEST_ID,
        image_id=image_id(BAD),
        round=1,
        dispatch=1,
        attempt=1,
        error_code=ErrorCode.HTTP_404,
        error_detail="the host answered 404",
    )
    return [compressed, failed, compressed]


async def has_consumer(rabbitmq_url: str, queue: str) -> bool:
    async with await aio_pika.connect(rabbitmq_url) as connection:
        with suppress(aio_pika.exceptions.ChannelNotFoundEntity):
            async with connection.channel() as channel:
                declared = await channel.declare_queue(queue, passive=True)
                return bool(declared.declaration_result.consumer_count)
    return False


async def all_are_empty(rabbitmq_url: str) -> bool:
    """Whether no queue of Imagemill holds a ready message."""
    async with await aio_pika.connect(rabbitmq_url) as connection, connection.channel() as channel:
        declared = [await channel.declare_queue(name, passive=True) for name in Queue]
        return not any(queue.declaration_result.message_count for queue in declared)


def runs(reported: Iterable[Report]) -> list[tuple[str, int]]:
    """The images with their decoder time of all reports."""
    return [
        (each.image_id, each.decoder_ms)
        for report in reported
        if isinstance(report, ResultsRecorded)
        for each in report.recorded
    ]


async def delete_queue(rabbitmq_url: str, queue: str) -> None:
    async with await aio_pika.connect(rabbitmq_url) as connection, connection.channel() as channel:
        await channel.queue_delete(queue)


async def rows(store: ObjectStore, key: str | None) -> list[list[str]]:
    assert key is not None
    text = (await store.get_bytes(key)).decode()
    return list(csv.reader(io.StringIO(text, newline=""), strict=True))


async def test_results_lead_to_files_events_and_a_webhook_that_the_documented_examples_receive(
    rabbitmq_url: str, mongodb_url: str, database: Database, tmp_path: Path
) -> None:
    receiver_port, metrics_port = free_port(), free_port()
    webhook_url = f"http://127.0.0.1:{receiver_port}/"
    settings = {
        "RABBITMQ_URL": rabbitmq_url,
        "MONGODB_URL": mongodb_url,
        "OBJECT_STORE_URL": (tmp_path / "objects").as_uri(),
        "PUBLIC_BASE_URL": BASE_URL,
        "METRICS_PORT": str(metrics_port),
        "WEBHOOK_SECRET": SECRET,
        "WEBHOOK_ALLOW_NETWORKS": "127.0.0.0/8",
    }
    store = open_object_store(settings["OBJECT_STORE_URL"])
    await store.make()
    await store.put_bytes(ORIGINAL_KEY, b"original", "image/jpeg")
    (tmp_path / "receiver.py").write_text(example(1))
    (tmp_path / "subscriber.py").write_text(example(0))
    await insert_dispatched_request(database, webhook_url)
    reported: list[Report] = []
    async with (
        asyncio.timeout(90),
        own_process(
            *("-m", "uvicorn", "receiver:app", "--port", str(receiver_port), "--no-access-log"),
            variables={"WEBHOOK_SECRET": SECRET},
            folder=tmp_path,
            stdout=asyncio.subprocess.PIPE,
        ) as receiver,
        own_process("-m", "services.aggregator", variables=settings) as aggregator,
    ):
        await until(lambda: is_up(webhook_url), what="the receiver is up")
        await until(lambda: is_up(f"http://127.0.0.1:{metrics_port}/readyz"), what="the aggregator is ready")
        async with (
            own_process(
                "subscriber.py",
                variables={"RABBITMQ_URL": rabbitmq_url},
                folder=tmp_path,
                stdout=asyncio.subprocess.PIPE,
            ) as subscriber,
            open_broker(RabbitSettings(rabbitmq_url=rabbitmq_url), "test", asyncio.Event()) as broker,
        ):
            await until(lambda: has_consumer(rabbitmq_url, "shop.images"))
            async with reports_to(reported.append, broker):
                await Publisher(broker, Metrics(CollectorRegistry())).publish(results())
                received = await lines_until(receiver, "request.completed")
                printed = await lines_until(subscriber, "request.completed")
                await until(lambda: len(runs(reported)) == len(results()), what="all results are reported")
        await delete_queue(rabbitmq_url, "shop.images")
        await until(lambda: all_are_empty(rabbitmq_url), what="all queues are empty")
        aggregator.terminate()
        assert await aggregator.wait() == 0

    assert sorted(runs(reported)) == sorted([(image_id(GOOD), 34), (image_id(GOOD), 34), (image_id(BAD), 0)])
    request = await database.requests.get(REQUEST_ID)
    assert request is not None
    assert request.status is RequestStatus.COMPLETED
    assert received == [f"{REQUEST_ID}:1:request.completed request.completed {BASE_URL}/{request.output_key}"]
    assert f"image.compressed {REQUEST_ID}/{image_id(GOOD)}" in printed
    assert f"image.failed {REQUEST_ID}/{image_id(BAD)}" in printed
    url = f"{BASE_URL}/{RESULT_KEY}"
    assert [row[-1] for row in await rows(store, request.output_key)] == ["Output Image Urls", f"{url},", url]
    assert [row[4:7] for row in await rows(store, request.report_key)][1:] == [
        [url, "compressed", ""],
        ["", "failed", "http_404"],
        [url, "compressed", ""],
    ]
    assert [key async for key in store.list_keys("originals/")] == []
    delivery = await database.deliveries.get(f"{REQUEST_ID}:1:request.completed")
    assert delivery is not None
    assert (delivery.state, delivery.attempts) == (DeliveryState.DELIVERED, 1)
    await store.close()


async def test_a_process_that_waits_for_its_dependencies_still_stops_on_sigterm(tmp_path: Path) -> None:
    settings = {
        "RABBITMQ_URL": f"amqp://127.0.0.1:{free_port()}/",
        "MONGODB_URL": f"mongodb://127.0.0.1:{free_port()}/imagemill",
        "MONGODB_TIMEOUT": "1",
        "OBJECT_STORE_URL": tmp_path.as_uri(),
        "METRICS_PORT": str(metrics_port := free_port()),
        "WEBHOOK_SECRET": SECRET,
    }
    async with asyncio.timeout(60), own_process("-m", "services.aggregator", variables=settings) as aggregator:
        await until(lambda: is_up(f"http://127.0.0.1:{metrics_port}/livez"), what="the aggregator is up")
        async with httpx.AsyncClient() as client:
            assert (await client.get(f"http://127.0.0.1:{metrics_port}/readyz")).status_code == 503
        aggregator.terminate()
        assert await aggregator.wait() == 0
