"""The messages parked in imagemill.dead: lists them, removes them, and sends them back to where they came from.

A parked message may have any content; no content makes these functions fail.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from aio_pika import DeliveryMode
from aio_pika import Message as AmqpMessage
from aiormq.abc import AbstractChannel
from aiormq.exceptions import PublishError
from pamqp.commands import Basic

from shared.errors import BrokerUnavailable
from shared.messaging.connection import RPC_SECONDS, open_channel, open_connection
from shared.messaging.faults import broker_faults
from shared.messaging.publisher import QUEUE_HEADER, REASON_HEADER, short_property
from shared.messaging.received_message import ReceivedMessage
from shared.messaging.topology import COMMANDS_EXCHANGE, Queue

_NAME = "dead letters"


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One parked message. `reason` is the consumer's, or RabbitMQ's own ("delivery_limit").

    letter_id: names the message in `purge_dead`; equal messages have the same.
    """

    letter_id: str
    queue: str
    reason: str
    type: str
    body: str
    parked_at: datetime | None


async def list_dead(rabbitmq_url: str) -> list[DeadLetter]:
    """The messages parked now. They stay parked."""
    async with _parked_at(rabbitmq_url) as channel:
        # The messages return to the queue when the connection closes.
        return [_describe(received) async for received in _parked(channel)]


async def replay_dead(rabbitmq_url: str) -> int:
    """Send each parked message to the queue it came from, and return how many; without such a queue it stays parked.

    Safe at any time: handlers may be called repeatedly with one message, and commands that are too late are dropped.
    """
    replayed = 0
    async with _parked_at(rabbitmq_url) as channel:
        async for received in _parked(channel):
            queue = _describe(received).queue
            if queue in tuple(Queue) and await _sent_again(channel, received, queue):
                await received.acknowledge()
                replayed += 1
    return replayed


async def purge_dead(rabbitmq_url: str, letter_id: str | None = None) -> int:
    """Remove the parked messages with this id, or all of them, for good. Returns how many."""
    async with _parked_at(rabbitmq_url) as channel:
        if letter_id is None:
            with broker_faults("purging"):
                return (await channel.queue_purge(Queue.DEAD)).message_count or 0
        removed = 0
        async for received in _parked(channel):
            if _describe(received).letter_id == letter_id:
                await received.acknowledge()
                removed += 1
        return removed


@asynccontextmanager
async def _parked_at(rabbitmq_url: str) -> AsyncIterator[AbstractChannel]:
    async with (
        open_connection(rabbitmq_url, _NAME) as connection,
        open_channel(connection, on_return_raises=True) as channel,
    ):
        yield channel


async def _parked(channel: AbstractChannel) -> AsyncIterator[ReceivedMessage]:
    with broker_faults("counting the parked messages"):
        count = (await channel.queue_declare(Queue.DEAD, passive=True)).message_count or 0
    for _ in range(count):  # not those parked meanwhile
        with broker_faults("reading a parked message"):
            async with asyncio.timeout(RPC_SECONDS):
                message = await channel.basic_get(Queue.DEAD)
        if isinstance(message.delivery, Basic.GetEmpty):
            return
        yield ReceivedMessage(message)


async def _sent_again(channel: AbstractChannel, received: ReceivedMessage, queue: str) -> bool:
    copy = AmqpMessage(
        received.body,
        content_type=short_property(received.content_type),
        delivery_mode=DeliveryMode.PERSISTENT,
        type=short_property(received.type),
    )
    try:
        with broker_faults("sending a message again"):
            await channel.basic_publish(
                copy.body, exchange=COMMANDS_EXCHANGE, routing_key=queue, properties=copy.properties, mandatory=True
            )
    except BrokerUnavailable as error:
        if isinstance(error.__cause__, PublishError):
            return False
        raise
    return True


def _describe(received: ReceivedMessage) -> DeadLetter:
    headers = received.headers
    type_ = received.type or "unknown"
    return DeadLetter(
        letter_id=hashlib.sha256(type_.encode() + b"\0" + received.body).hexdigest()[:12],
        queue=str(headers.get(QUEUE_HEADER) or headers.get("x-first-death-queue") or "unknown"),
        reason=str(headers.get(REASON_HEADER) or headers.get("x-first-death-reason") or "unknown"),
        type=type_,
        body=received.body.decode(errors="replace"),
        parked_at=received.timestamp or _died_at(headers.get("x-death")),
    )


def _died_at(deaths: object) -> datetime | None:
    death = deaths[0] if isinstance(deaths, list) and deaths else None
    time = death.get("time") if isinstance(death, dict) else None
    return time if isinstance(time, datetime) else None
