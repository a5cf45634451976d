"""A subscriber, as other teams write one: binds its own queue to the public events and reads them."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aio_pika
from aio_pika.abc import AbstractIncomingMessage

EVENTS = "imagemill.events"


class Subscriber:
    """`events` holds every received copy, in order."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    async def take(self, message: AbstractIncomingMessage) -> None:
        async with message.process():
            event = json.loads(message.body)
            assert message.content_type == "application/cloudevents+json"
            assert message.routing_key == event["type"]
            self.events.append(event)

    def about(self, request_id: str) -> dict[str, dict[str, Any]]:
        """The events of a request by id. Asserts that all copies of an event are equal."""
        by_id: dict[str, dict[str, Any]] = {}
        for event in self.events:
            if event["data"]["request_id"] == request_id:
                assert by_id.setdefault(event["id"], event) == event
        return by_id


@asynccontextmanager
async def open_subscriber(rabbitmq_url: str) -> AsyncIterator[Subscriber]:
    subscriber = Subscriber()
    connection = await aio_pika.connect_robust(rabbitmq_url, reconnect_interval=1)
    async with connection:
        channel = await connection.channel()
        # Durable, so that it misses no event while the broker restarts.
        queue = await channel.declare_queue("subscriber-of-another-team", durable=True)
        await queue.bind(EVENTS, "#")
        await queue.consume(subscriber.take)
        yield subscriber
        await queue.delete(if_unused=False, if_empty=False)
