"""Checks what must hold for a finished request, whatever happened to the services meanwhile."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any

import aio_pika
from pamqp.commands import Queue
from pymongo import AsyncMongoClient

from deploy.local.stack import LocalStack
from shared.messaging import Queue as ImagemillQueue
from tests.support.pictures import size_of
from tests.support.stack import OUTPUT_COLUMN, StackClient
from tests.support.subscriber import Subscriber
from tests.support.waiting import until

QUEUES = tuple(ImagemillQueue)
_CONSUMED = {
    "downloader": {ImagemillQueue.DOWNLOAD, ImagemillQueue.DOWNLOAD_ALONE, ImagemillQueue.PROBE},
    "compressor": {ImagemillQueue.COMPRESS, ImagemillQueue.COMPRESS_ALONE},
    "aggregator": {ImagemillQueue.RESULTS, ImagemillQueue.FINISH, ImagemillQueue.WEBHOOKS, ImagemillQueue.LOST},
}
"""In the order of the pipeline."""
_STOPS = 4


async def check_slots(
    client: StackClient, request_id: str, products: Sequence[Sequence[str]], failing: set[str]
) -> None:
    """Every input URL has its slot, in order: empty if it failed, else an image that can be fetched and decoded."""
    status = await client.status(request_id)
    rows = await client.table(status["output_csv_url"])
    assert [row["S. No."] for row in rows] == [str(number) for number in range(1, len(products) + 1)]
    urls: dict[str, str] = {}
    for row, inputs in zip(rows, products, strict=True):
        slots = row[OUTPUT_COLUMN].split(",") if inputs else []
        assert len(slots) == len(inputs), row
        for url, slot in zip(inputs, slots, strict=True):
            assert (slot == "") == (url in failing), (url, slot)
            assert urls.setdefault(url, slot) == slot, "one image has one result"
    results = [slot for slot in urls.values() if slot]
    assert len(set(results)) == len(results), "no object has two owners"
    for slot in results[:: max(1, len(results) // 25)]:
        answer = await client.http.get(slot)
        assert answer.status_code == 200
        size_of(answer.content)


async def check_images(mongodb_url: str, request_id: str, compressed: int, failed: int, cancelled: int = 0) -> None:
    """Each image has one terminal state in the database."""
    async with AsyncMongoClient[dict[str, Any]](mongodb_url) as client:
        images = client.get_default_database()["images"]
        states = Counter([document["state"] async for document in images.find({"request_id": request_id})])
    assert states == +Counter({"compressed": compressed, "failed": failed, "cancelled": cancelled})


async def check_events(
    subscriber: Subscriber, request_id: str, compressed: int, failed: int, end: str = "request.completed"
) -> None:
    """One logical event for each image, one for the acceptance, one for the finish."""
    expected = Counter({"image.compressed": compressed, "image.failed": failed, "request.accepted": 1, end: 1})

    def seen() -> Counter[str]:
        return Counter(event["type"] for event in subscriber.about(request_id).values())

    async def complete() -> bool:
        return seen() == +expected

    await until(complete, 20, lambda: f"events are {seen()}, not {expected}")


async def check_queues_empty(stack: LocalStack) -> None:
    """No message is left in our queues, ready or unacknowledged, and none was parked.

    AMQP counts only ready messages. So this stops the consumers, one after the other in the order of the pipeline:
    they finish their messages, and any unacknowledged message becomes ready again with no consumer left.
    """
    await _nothing_is_ready(stack.servers.rabbitmq_url)
    stopped = []
    try:
        for service in _CONSUMED:
            stopped.append(service)
            await _stop_idle(stack, service)
            await _nothing_is_ready(stack.servers.rabbitmq_url)  # its last messages are for the next service
        queues = await _declared(stack.servers.rabbitmq_url)
        assert not any(queue.consumer_count for queue in queues), "a consumer may still hold messages"
    finally:
        await asyncio.gather(*map(stack.services.start, stopped))


async def _stop_idle(stack: LocalStack, service: str) -> None:
    """Stop the service when it has nothing to do: a stop returns messages that it has received and not begun."""
    for _ in range(_STOPS):
        assert await stack.services.stop(service) == 0
        declared = await _declared(stack.servers.rabbitmq_url)
        if not any(queue.message_count for queue in declared if queue.queue in _CONSUMED[service]):
            return
        await stack.services.start(service)
        await _nothing_is_ready(stack.servers.rabbitmq_url)
    raise AssertionError(f"{service} returns messages at each stop")


async def _nothing_is_ready(rabbitmq_url: str) -> None:
    left: dict[str, int] = {}

    async def empty() -> bool:
        left.update({str(queue.queue): queue.message_count or 0 for queue in await _declared(rabbitmq_url)})
        return not any(left.values())

    await until(empty, 20, lambda: f"messages are left: {left}")


async def _declared(rabbitmq_url: str) -> list[Queue.DeclareOk]:
    """Every queue of Imagemill that exists."""
    async with await aio_pika.connect(rabbitmq_url) as connection:
        channel = await connection.channel()
        return [(await channel.declare_queue(name, passive=True)).declaration_result for name in QUEUES]
