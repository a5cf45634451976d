"""Freezes a service in the middle of its work, so that a kill or stop certainly interrupts something."""

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
    """Freeze `service` (SIGSTOP) while it processes images of the request. If it has none, thaw it and fail.

    A few downloads must hang until `let_go` is set; this function sets it once the service is frozen.
    """
    await some_are_compressed(stack, request_id)
    freeze(stack, service)
    try:
        if service == "gateway":
            # Its work is the images that only the gateway can dispatch.
            assert await count_images(stack, request_id, ["pending"]), "it was frozen too late to prove anything"
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
    """Return once messages of the released downloads have reached `queue`, whose only consumer is frozen.

    The consumer acknowledges nothing, so these messages are unacknowledged or still in the queue.
    """
    async with await aio_pika.connect(rabbitmq_url) as connection:
        channel = await connection.channel()
        copies = await channel.declare_queue(exclusive=True)
        await copies.bind(COMMANDS_EXCHANGE, routing_key=queue)
        let_go.set()

        async def some_came() -> bool:
            counted = await channel.declare_queue(copies.name, passive=True)
            return (counted.declaration_result.message_count or 0) >= _ENOUGH

        await until(some_came, 30, lambda: f"no message reached {queue}")


async def some_are_compressed(stack: LocalStack, request_id: str) -> None:
    """Wait for ten results: then every service is working on the request."""

    async def moving() -> bool:
        return await count_images(stack, request_id, ["compressed"]) >= 10

    await until(moving, 30, lambda: "too few images were compressed")


async def count_images(stack: LocalStack, request_id: str, states: list[str]) -> int:
    """The number of images in `states`, from the database: the API's progress may be seconds old."""
    async with AsyncMongoClient[dict[str, Any]](stack.servers.mongodb_url) as mongo:
        images = mongo.get_default_database()["images"]
        return await images.count_documents({"request_id": request_id, "state": {"$in": states}})
