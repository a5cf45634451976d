"""Catching a service in the middle of its work: what is done to it then hits something for certain."""

import asyncio
import signal
from typing import Any

import aio_pika
from pymongo import AsyncMongoClient

from deploy.local.processes import Process
from deploy.local.stack import LocalStack
from shared.messaging import COMMANDS_EXCHANGE, Queue
from tests.support.waiting import until

OPEN_STATES = ["pending", "dispatched"]
_FED_BY_DOWNLOADS = {"compressor": Queue.COMPRESS, "aggregator": Queue.RESULTS}
_ENOUGH = 3


async def freeze_at_work(stack: LocalStack, service: str, request_id: str, let_go: asyncio.Event) -> None:
    """Stop `service` where it is (SIGSTOP) while it has images of the request in hand. If it has none it goes on.

    A few downloads must hang until `let_go` is set, which happens here once the service is frozen.
    """
    await some_are_compressed(stack, request_id)
    freeze(stack, service)
    try:
        if service == "gateway":
            # Its work are the images that only it can dispatch.
            assert await count_images(stack, request_id, ["pending"]), "it was frozen too late to show anything"
        if queue := _FED_BY_DOWNLOADS.get(service):
            await _given_more(stack.servers.rabbitmq_url, queue, let_go)
    except BaseException:
        thaw(stack, service)
        raise
    finally:
        let_go.set()


def freeze(stack: LocalStack, service: str) -> None:
    _process(stack, service).signal(signal.SIGSTOP)


def thaw(stack: LocalStack, service: str) -> None:
    _process(stack, service).signal(signal.SIGCONT)


def _process(stack: LocalStack, service: str) -> Process:
    [process] = [process for process in stack.services.processes() if process.name == f"{service}-0"]
    return process


async def _given_more(rabbitmq_url: str, queue: Queue, let_go: asyncio.Event) -> None:
    """Returns once some of the downloads that were let go came to `queue`, whose only consumer is frozen.

    It acknowledges nothing, so they are in its hands, or left in the queue because its hands are full.
    """
    async with await aio_pika.connect(rabbitmq_url) as connection:
        channel = await connection.channel()
        copies = await channel.declare_queue(exclusive=True)
        await copies.bind(COMMANDS_EXCHANGE, routing_key=queue)
        let_go.set()

        async def some_came() -> bool:
            counted = await channel.declare_queue(copies.name, passive=True)
            return (counted.declaration_result.message_count or 0) >= _ENOUGH

        await until(some_came, 30, lambda: f"nothing more came to {queue}")


async def some_are_compressed(stack: LocalStack, request_id: str) -> None:
    """Results come in: every service is at work on the request."""

    async def moving() -> bool:
        return await count_images(stack, request_id, ["compressed"]) >= 10

    await until(moving, 30, lambda: "no images came through")


async def count_images(stack: LocalStack, request_id: str, states: list[str]) -> int:
    """How many images stand in `states`, as the database has it: the API's progress is up to seconds old."""
    async with AsyncMongoClient[dict[str, Any]](stack.servers.mongodb_url) as mongo:
        images = mongo.get_default_database()["images"]
        return await images.count_documents({"request_id": request_id, "state": {"$in": states}})
