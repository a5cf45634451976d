"""A queue of this process alone, for messages that lose their value with the connection on which they arrive."""

import asyncio
import secrets
from collections.abc import Callable
from typing import Generic, TypeVar, cast

import structlog
from aiormq.abc import AbstractChannel, DeliveredMessage

from shared.contracts.messages import Message
from shared.errors import BrokerUnavailable
from shared.messaging.broker import Broker
from shared.messaging.codec import Undecodable, decode
from shared.messaging.connection import RPC_SECONDS, Connection, open_channel
from shared.messaging.faults import broker_faults
from shared.messaging.received_message import ReceivedMessage
from shared.messaging.sessions import TURN_SECONDS, QueueWatch, Sessions
from shared.messaging.topology import Binding
from shared.observability import Health

M = TypeVar("M", bound=Message)

log = structlog.get_logger(__name__)


class OwnQueue(Generic[M]):
    """An exclusive queue: it ends with its connection, and the messages in it are lost.

    The next connection declares a queue of another, unguessable name, because the broker may still consider the old
    connection alive and lock its queue.
    """

    def __init__(self, purpose: str, exchange: str, types: tuple[type[M], ...], take: Callable[[M], object]) -> None:
        """The queue is bound to `exchange` under its own name. `take` gets each message and must not fail.

        What cannot be decoded as one of `types` is logged and dropped.
        """
        self.name: str | None = None
        self._purpose = purpose
        self._exchange = exchange
        self._types = types
        self._take = take

    async def receive(self, broker: Broker, health: Health, stop: asyncio.Event) -> None:
        """Receive messages until `stop` is set. `name` is None while none can arrive."""
        sessions = Sessions(broker, self._purpose, health.stall_timeout, self._log_outage)
        with health.loop(self._purpose, TURN_SECONDS) as beat:

            async def session(connection: Connection) -> None:
                async with open_channel(connection, publisher_confirms=False) as channel:
                    name = await self._declare(channel)
                    watch = QueueWatch(channel, Binding(name, self._exchange, name), sessions, beat)
                    self.name = name
                    try:
                        while not stop.is_set():
                            await watch.look(stop)
                    finally:
                        self.name = None

            await sessions.keep(session, stop, beat)

    async def _declare(self, channel: AbstractChannel) -> str:
        name = f"imagemill.{self._purpose}.{secrets.token_hex(16)}"
        with broker_faults(f"declaring the queue for {self._purpose}"):
            async with asyncio.timeout(RPC_SECONDS):
                await channel.queue_declare(name, exclusive=True, auto_delete=True)
                await channel.queue_bind(name, self._exchange, routing_key=name)
                await channel.basic_consume(name, self._receive, no_ack=True)
        return name

    async def _receive(self, delivery: DeliveredMessage) -> None:
        try:
            message = decode(ReceivedMessage(delivery), self._types)
        except Undecodable as error:
            log.warning("message_undecodable", queue=self._purpose, reason=str(error))
        else:
            self._take(cast(M, message))

    def _log_outage(self, outage: BrokerUnavailable) -> None:
        log.debug("broker_unavailable", queue=self._purpose, error=str(outage))
