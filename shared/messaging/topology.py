"""Exchanges and queues as data, and the function that declares them.

Every service declares the same topology when it connects; declaring what exists changes nothing. The arguments work on
RabbitMQ 3.10 and on 4.x: durable quorum queues, an explicit delivery limit (the default differs between versions), and
dead-lettering with confirms (`at-least-once` requires `reject-publish`).
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from aio_pika import ExchangeType
from aio_pika.abc import AbstractChannel, AbstractConnection
from aio_pika.exceptions import ChannelPreconditionFailed

from shared.contracts import messages
from shared.contracts.messages import MAX_PROBE_SECONDS, MAX_TEST_WAIT_SECONDS, Message
from shared.errors import BrokerUnavailable
from shared.messaging.faults import broker_faults

COMMANDS_EXCHANGE = "imagemill.commands"
EVENTS_EXCHANGE = "imagemill.events"
DEAD_EXCHANGE = "imagemill.dead"
BROADCASTS_EXCHANGE = "imagemill.broadcasts"
REPORTS_EXCHANGE = "imagemill.reports"
DEFAULT_EXCHANGE = ""  # the broker's own: each queue is bound to it under its name

# The broker counts a delivery that returns because a connection closed or a process stopped. These are no failures, so
# its limits are only a backstop against a message that ends every process; consumers count failures themselves.
_WORK_DELIVERIES = 50
_LOST_DELIVERIES = 20  # then the message is dropped: the sweep sends its work again
_DECLARE_SECONDS = 30
_UNLIMITED_DELIVERIES = 1_000_000  # of a parked message: RabbitMQ 4 defaults to 20, and 3.10 accepts no negative limit


class WrongTopology(BrokerUnavailable):
    """A queue or exchange exists with other arguments, which RabbitMQ cannot change: an operator has to delete it."""


class Queue(StrEnum):
    DOWNLOAD = "imagemill.download"
    DOWNLOAD_ALONE = "imagemill.download.alone"  # commands whose image lost a worker: see shared/losses.py
    COMPRESS = "imagemill.compress"
    COMPRESS_ALONE = "imagemill.compress.alone"
    COMPRESS_SLOW = "imagemill.compress.slow"  # commands whose image takes long
    RESULTS = "imagemill.results"
    FINISH = "imagemill.finish"
    WEBHOOKS = "imagemill.webhooks"
    PROBE = "imagemill.probe"
    WEBHOOK_TESTS = "imagemill.webhook-tests"
    DEAD = "imagemill.dead"  # for people: messages that could not be decoded or failed too often
    LOST = "imagemill.lost"  # the same messages, for the aggregator: a dead command must not strand its image


WORK_QUEUES = (
    Queue.DOWNLOAD,
    Queue.DOWNLOAD_ALONE,
    Queue.COMPRESS,
    Queue.COMPRESS_ALONE,
    Queue.COMPRESS_SLOW,
    Queue.RESULTS,
    Queue.FINISH,
    Queue.WEBHOOKS,
)
"""Queues whose messages must not be lost: a message that reaches the delivery limit is dead-lettered."""


@dataclass(frozen=True, slots=True)
class Expiring:
    """Limits of a queue whose messages soon lose their value. A message beyond a limit is dropped, not dead-lettered.

    seconds: age at which a message expires. deliveries: the delivery limit.
    max_length: messages in the queue; a further one replaces the oldest.
    """

    seconds: int
    deliveries: int
    max_length: int


EXPIRING_QUEUES: Mapping[Queue, Expiring] = {
    Queue.PROBE: Expiring(seconds=MAX_PROBE_SECONDS, deliveries=2, max_length=1_000),
    Queue.WEBHOOK_TESTS: Expiring(seconds=MAX_TEST_WAIT_SECONDS, deliveries=2, max_length=100),
}

QUEUE_OF: Mapping[type[Message], Queue] = {
    messages.DownloadImage: Queue.DOWNLOAD,
    messages.CompressImage: Queue.COMPRESS,
    messages.ImageCompressed: Queue.RESULTS,
    messages.ImageFailed: Queue.RESULTS,
    messages.ImageDeferred: Queue.RESULTS,
    messages.FinishRequest: Queue.FINISH,
    messages.DeliverWebhook: Queue.WEBHOOKS,
    messages.SendTestWebhook: Queue.WEBHOOK_TESTS,
    messages.ProbeImages: Queue.PROBE,
}


ALONE_QUEUE_OF: Mapping[type[Message], Queue] = {
    messages.DownloadImage: Queue.DOWNLOAD_ALONE,
    messages.CompressImage: Queue.COMPRESS_ALONE,
}
"""For commands with losses."""


def queue_of(message: Message) -> Queue:
    """The queue for this message. KeyError for replies, broadcasts and reports, which have queues of their own."""
    if isinstance(message, messages.DownloadImage | messages.CompressImage) and message.losses:
        return ALONE_QUEUE_OF[type(message)]
    if isinstance(message, messages.CompressImage) and message.spent_ms:
        return Queue.COMPRESS_SLOW
    return QUEUE_OF[type(message)]


@dataclass(frozen=True, slots=True)
class Binding:
    """Where the messages of a queue come from."""

    queue: str
    exchange: str
    routing_key: str


def binding_of(queue: Queue) -> Binding:
    if queue in (Queue.DEAD, Queue.LOST):
        return Binding(queue, DEAD_EXCHANGE, "")
    return Binding(queue, COMMANDS_EXCHANGE, queue)


async def ensure_topology(connection: AbstractConnection) -> None:
    """Declare what is missing. Raises BrokerUnavailable if the broker does not answer, WrongTopology if it refuses."""
    with broker_faults("declaring the exchanges and queues"):
        async with asyncio.timeout(_DECLARE_SECONDS):
            try:
                async with connection.channel() as channel:
                    await declare_topology(channel)
            except ChannelPreconditionFailed as error:
                raise WrongTopology(f"an exchange or queue exists with other arguments: {error!r}") from error


async def declare_topology(channel: AbstractChannel) -> None:
    """Declare all exchanges and queues."""
    commands = await channel.declare_exchange(COMMANDS_EXCHANGE, ExchangeType.DIRECT, durable=True)
    await channel.declare_exchange(EVENTS_EXCHANGE, ExchangeType.TOPIC, durable=True)
    for name in (BROADCASTS_EXCHANGE, REPORTS_EXCHANGE):
        await channel.declare_exchange(name, ExchangeType.FANOUT, durable=True)
    dead = await channel.declare_exchange(DEAD_EXCHANGE, ExchangeType.FANOUT, durable=True)
    for name, limit in ((Queue.DEAD, _UNLIMITED_DELIVERIES), (Queue.LOST, _LOST_DELIVERIES)):
        parking = await channel.declare_queue(
            name, durable=True, arguments={"x-queue-type": "quorum", "x-delivery-limit": limit}
        )
        await parking.bind(dead)
    for name in WORK_QUEUES:
        work = await channel.declare_queue(
            name,
            durable=True,
            arguments={
                "x-queue-type": "quorum",
                "x-delivery-limit": _WORK_DELIVERIES,
                "x-dead-letter-exchange": DEAD_EXCHANGE,
                "x-dead-letter-strategy": "at-least-once",
                "x-overflow": "reject-publish",
            },
        )
        await work.bind(commands, routing_key=name)
    for name, limits in EXPIRING_QUEUES.items():
        expiring = await channel.declare_queue(
            name,
            durable=True,
            arguments={
                "x-queue-type": "quorum",
                "x-delivery-limit": limits.deliveries,
                "x-message-ttl": limits.seconds * 1000,
                "x-max-length": limits.max_length,
                "x-overflow": "drop-head",
            },
        )
        await expiring.bind(commands, routing_key=name)
