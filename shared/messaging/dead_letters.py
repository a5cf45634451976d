"""Lists the messages parked in imagemill.dead, and sends them back to the queues they came from."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import aio_pika
from aio_pika.abc import AbstractIncomingMessage
from aio_pika.exceptions import DeliveryError

from shared.messaging.publisher import QUEUE_HEADER, REASON_HEADER
from shared.messaging.topology import COMMANDS_EXCHANGE, Queue


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One parked message. `reason` is the consumer's, or RabbitMQ's own ("delivery_limit")."""

    queue: str
    reason: str
    type: str
    body: str
    parked_at: datetime | None


async def list_dead(rabbitmq_url: str) -> list[DeadLetter]:
    """The messages parked now. They stay parked."""
    async with await aio_pika.connect(rabbitmq_url) as connection:
        # The messages return to the queue when the connection closes.
        return [_describe(message) async for message in _parked(connection)]


async def replay_dead(rabbitmq_url: str) -> int:
    """Send each parked message to the queue it came from, and return how many; without such a queue it stays parked.

    Safe at any time: handlers may be called repeatedly with one message, and commands that are too late are dropped.
    """
    replayed = 0
    async with await aio_pika.connect(rabbitmq_url) as connection:
        channel = await connection.channel(on_return_raises=True)
        commands = await channel.get_exchange(COMMANDS_EXCHANGE, ensure=False)
        async for message in _parked(connection):
            copy = aio_pika.Message(
                message.body,
                content_type=message.content_type,
                delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
                type=message.type,
            )
            try:
                await commands.publish(copy, _describe(message).queue, mandatory=True)
            except DeliveryError:
                continue
            await message.ack()
            replayed += 1
    return replayed


async def _parked(connection: aio_pika.abc.AbstractConnection) -> AsyncIterator[AbstractIncomingMessage]:
    channel = await connection.channel()
    queue = await channel.declare_queue(Queue.DEAD, passive=True)
    for _ in range(queue.declaration_result.message_count or 0):  # not those parked meanwhile
        message = await queue.get(fail=False)
        if message is None:
            return
        yield message


def _describe(message: AbstractIncomingMessage) -> DeadLetter:
    headers: Mapping[str, Any] = message.headers
    deaths = headers.get("x-death") or [{}]
    return DeadLetter(
        queue=str(headers.get(QUEUE_HEADER) or headers.get("x-first-death-queue") or "unknown"),
        reason=str(headers.get(REASON_HEADER) or headers.get("x-first-death-reason") or "unknown"),
        type=message.type or "unknown",
        body=message.body.decode(errors="replace"),
        parked_at=message.timestamp or deaths[0].get("time"),
    )
