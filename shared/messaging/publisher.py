"""Publishing with confirms: when `publish` returns, the broker has the messages on disk."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import structlog
from aio_pika import DeliveryMode
from aio_pika import Message as AmqpMessage
from aio_pika.abc import AbstractExchange, AbstractMessage
from aio_pika.exceptions import CONNECTION_EXCEPTIONS, DeliveryError

from shared.contracts.events import PublicEvent
from shared.contracts.messages import Message
from shared.errors import BrokerUnavailable
from shared.messaging.broker import Broker
from shared.messaging.codec import encode, encode_event, queue_of
from shared.messaging.topology import COMMANDS_EXCHANGE, DEAD_EXCHANGE, EVENTS_EXCHANGE
from shared.observability.metrics import Metrics

Outgoing = Message | PublicEvent

Publish = Callable[[Sequence[Outgoing]], Awaitable[None]]
"""What `Publisher.publish` is, for those who need no more of it."""

REASON_HEADER = "imagemill-reason"
QUEUE_HEADER = "imagemill-queue"

log = structlog.get_logger(__name__)


class Publisher:
    """Publishes commands (mandatory: somebody must take them) and public events (whoever listens)."""

    def __init__(
        self,
        commands: AbstractExchange,
        events: AbstractExchange,
        dead: AbstractExchange,
        timeout: float,
        metrics: Metrics,
    ) -> None:
        self._commands = commands
        self._events = events
        self._dead = dead
        self._timeout = timeout
        self._metrics = metrics

    @classmethod
    @asynccontextmanager
    async def open(cls, broker: Broker, publish_timeout: float, metrics: Metrics) -> AsyncIterator["Publisher"]:
        """A publisher on channels of its own. `publish_timeout` is in seconds, for each call of `publish`."""
        # An unroutable command must be an error: without on_return_raises it would count as published.
        async with (
            broker.publishing.channel(on_return_raises=True) as commands,
            broker.publishing.channel() as events,
        ):
            yield cls(
                await commands.get_exchange(COMMANDS_EXCHANGE, ensure=False),
                await events.get_exchange(EVENTS_EXCHANGE, ensure=False),
                await commands.get_exchange(DEAD_EXCHANGE, ensure=False),
                publish_timeout,
                metrics,
            )

    async def publish(self, outgoing: Sequence[Outgoing]) -> None:
        """Publish all and wait for the confirms.

        Raises BrokerUnavailable if one was not confirmed in time; any of them may have arrived all the same.
        A subscriber's full queue refuses an event: that is the subscriber's loss, and counted.
        """
        if outgoing:
            async with self._confirmed():
                await asyncio.gather(*map(self._publish_one, outgoing))

    async def park(self, delivery: AbstractMessage, queue: str, reason: str) -> None:
        """Put a message that cannot be handled into imagemill.dead as it is, with the reason and its queue."""
        parked = AmqpMessage(
            delivery.body,
            headers={REASON_HEADER: reason[:500], QUEUE_HEADER: queue},
            content_type=delivery.content_type,
            delivery_mode=DeliveryMode.PERSISTENT,
            timestamp=datetime.now(UTC),
            type=delivery.type,
        )
        async with self._confirmed():
            await self._dead.publish(parked, "", mandatory=True)

    @asynccontextmanager
    async def _confirmed(self) -> AsyncIterator[None]:
        try:
            # Publishing waits without limit while the connection is down, so the limit stands around it.
            async with asyncio.timeout(self._timeout):
                yield
        except CONNECTION_EXCEPTIONS as error:  # a TimeoutError is an OSError, an unroutable command an AMQPError
            raise BrokerUnavailable(f"not confirmed by RabbitMQ: {error!r}") from error

    async def _publish_one(self, item: Outgoing) -> None:
        if isinstance(item, PublicEvent):
            await self._publish_event(item)
        else:
            await self._commands.publish(encode(item), queue_of(item), mandatory=True)
            self._metrics.messages_published.labels(exchange=COMMANDS_EXCHANGE).inc()

    async def _publish_event(self, event: PublicEvent) -> None:
        try:
            await self._events.publish(encode_event(event), event.type, mandatory=False)
        except DeliveryError:
            self._metrics.events_refused.inc()
            log.warning("event_refused_by_a_full_queue", event_id=event.event_id)
        else:
            self._metrics.messages_published.labels(exchange=EVENTS_EXCHANGE).inc()
