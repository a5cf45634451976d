"""Publishing with confirms: when `publish` returns, the broker has stored the messages."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from aio_pika import DeliveryMode
from aio_pika import Message as AmqpMessage
from aio_pika.exceptions import ChannelNotFoundEntity, DeliveryError, PublishError
from aiormq import Channel

from shared.contracts.events import PublicEvent
from shared.contracts.messages import Message, Report
from shared.messaging.broker import Broker
from shared.messaging.codec import encode, encode_event
from shared.messaging.event_link import CONFIRM_SECONDS
from shared.messaging.faults import broker_faults
from shared.messaging.link import Link
from shared.messaging.received_message import FAILURES_HEADER, ReceivedMessage
from shared.messaging.topology import (
    BROADCASTS_EXCHANGE,
    COMMANDS_EXCHANGE,
    DEAD_EXCHANGE,
    DEFAULT_EXCHANGE,
    EVENTS_EXCHANGE,
    REPORTS_EXCHANGE,
    queue_of,
)
from shared.observability import Metrics


@dataclass(frozen=True, slots=True)
class Reply:
    """A message for the queue `to`, which a command named. It is dropped if that queue no longer exists."""

    to: str
    message: Message


@dataclass(frozen=True, slots=True)
class Broadcast:
    """A message for every process that listens to broadcasts. It is dropped if there is none."""

    message: Message


@dataclass(frozen=True, slots=True)
class ForDispatcher:
    """A report for every gateway; the one that dispatches uses it. It is dropped if there is none."""

    report: Report


Outgoing = Message | PublicEvent | Reply | Broadcast | ForDispatcher

Publish = Callable[[Sequence[Outgoing]], Awaitable[None]]
"""The signature of `Publisher.publish`."""

REASON_HEADER = "imagemill-reason"
QUEUE_HEADER = "imagemill-queue"
_MAX_PROPERTY_BYTES = 255  # of a short string in AMQP

log = structlog.get_logger(__name__)


class Publisher:
    """Publishes commands (mandatory: a queue must take them), replies and public events (any number of subscribers)."""

    def __init__(self, broker: Broker, metrics: Metrics) -> None:
        self._commands = broker.commands
        self._events = broker.events
        self._timeout = broker.settings.publish_timeout
        self._metrics = metrics

    async def publish(self, outgoing: Sequence[Outgoing]) -> None:
        """Publish all and wait for the confirms; for that of an event only a short time.

        Raises BrokerUnavailable if one was not confirmed in time; any of them may still have arrived.
        An event that a subscriber's full queue refuses is lost for that subscriber, and counted.
        """
        if not outgoing:
            return
        async with self._confirmed():
            if len(outgoing) == 1:  # the usual case, without the cost of a task
                await self._publish_one(outgoing[0])
            else:
                await asyncio.gather(*map(self._publish_one, outgoing))

    async def park(self, received: ReceivedMessage, queue: str, reason: str) -> None:
        """Copy a message that cannot be handled to imagemill.dead, with the reason and the queue it came from."""
        parked = AmqpMessage(
            received.body,
            headers={REASON_HEADER: reason[:500], QUEUE_HEADER: queue},
            content_type=short_property(received.content_type),
            delivery_mode=DeliveryMode.PERSISTENT,
            timestamp=datetime.now(UTC),
            type=short_property(received.type),
        )
        async with self._confirmed():
            await self._send(self._commands, DEAD_EXCHANGE, parked, "")

    async def send_again(self, received: ReceivedMessage, queue: str, failures: int) -> None:
        """Copy a message to the end of the queue it came from, with the number of its failures so far.

        The broker counts the copy as a new message.
        """
        headers = {name: value for name, value in received.headers.items() if _is_kept(name, value)}
        copy = AmqpMessage(
            received.body,
            headers=headers | {FAILURES_HEADER: failures},
            content_type=short_property(received.content_type),
            delivery_mode=DeliveryMode.PERSISTENT,
            type=short_property(received.type),
        )
        async with self._confirmed():
            await self._send(self._commands, DEFAULT_EXCHANGE, copy, queue)

    @asynccontextmanager
    async def _confirmed(self) -> AsyncIterator[None]:
        with broker_faults("waiting for a confirm"):
            async with asyncio.timeout(self._timeout):
                yield

    async def _publish_one(self, item: Outgoing) -> None:
        if isinstance(item, PublicEvent):
            await self._publish_event(item)
        elif isinstance(item, Reply):
            await self._publish_reply(item)
        elif isinstance(item, Broadcast):
            await self._send(self._commands, BROADCASTS_EXCHANGE, encode(item.message), "", mandatory=False)
        elif isinstance(item, ForDispatcher):
            await self._send(self._commands, REPORTS_EXCHANGE, encode(item.report), "", mandatory=False)
        else:
            await self._send(self._commands, COMMANDS_EXCHANGE, encode(item), queue_of(item))

    async def _publish_event(self, event: PublicEvent) -> None:
        message = encode_event(event)

        async def with_confirm() -> None:
            try:
                await self._send(self._events.link, EVENTS_EXCHANGE, message, event.type, mandatory=False)
            except DeliveryError:
                self._metrics.events_refused.inc()
                log.warning("event_refused_by_a_full_queue", event_id=event.event_id)

        async def on_channel(channel: Channel) -> None:
            await self._send_on(channel, EVENTS_EXCHANGE, message, event.type, mandatory=False)

        if not await self._events.is_confirmed(with_confirm, min(CONFIRM_SECONDS, self._timeout / 2)):
            await self._events.send(on_channel)
            self._metrics.events_unconfirmed.inc()

    async def _publish_reply(self, reply: Reply) -> None:
        try:
            await self._send(self._commands, COMMANDS_EXCHANGE, encode(reply.message), reply.to, mandatory=False)
        except DeliveryError:
            log.warning("reply_refused", queue=reply.to)

    async def _send(
        self, link: Link, exchange: str, message: AmqpMessage, routing_key: str, *, mandatory: bool = True
    ) -> None:
        began_at = asyncio.get_running_loop().time()
        try:
            await self._send_once(link, exchange, message, routing_key, mandatory=mandatory)
        except (PublishError, ChannelNotFoundEntity):  # a queue, binding or exchange is missing
            log.warning("topology_incomplete", exchange=exchange, routing_key=routing_key)
            await link.repair(began_at)
            await self._send_once(link, exchange, message, routing_key, mandatory=mandatory)

    async def _send_once(
        self, link: Link, exchange: str, message: AmqpMessage, routing_key: str, *, mandatory: bool
    ) -> None:
        await self._send_on(await link.channel(), exchange, message, routing_key, mandatory=mandatory)

    async def _send_on(
        self, channel: Channel, exchange: str, message: AmqpMessage, routing_key: str, *, mandatory: bool
    ) -> None:
        # Like aio-pika's Exchange.publish, but without waiting until each frame is on the wire: a third less CPU.
        # The confirm, if the channel has confirms, shows that the message arrived.
        await channel.basic_publish(
            message.body,
            exchange=exchange,
            routing_key=routing_key,
            properties=message.properties,
            mandatory=mandatory,
            wait=False,
        )
        self._metrics.messages_published.labels(exchange=exchange).inc()


def _is_kept(header: str, value: object) -> bool:
    """Not those of the broker, and of others' only values that can be encoded again."""
    return not header.startswith("x-") and isinstance(value, bool | int | str)


def short_property(value: str | None) -> str | None:
    """A property that was received with bytes replaced can be longer than AMQP permits."""
    return value and value.encode()[:_MAX_PROPERTY_BYTES].decode(errors="ignore")
