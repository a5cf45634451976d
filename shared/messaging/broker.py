"""RabbitMQ as one process uses it: a connection for each purpose, opened again whenever it is lost.

A broker under a memory or disk alarm stops reading from connections that publish; on a shared connection the
acknowledgements would stall too. And a message that ends its connection must not end other connections.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial

import structlog

from shared.errors import BrokerUnavailable, StoppedWhileStarting
from shared.messaging.connection import Connection, open_connection
from shared.messaging.event_link import EventLink
from shared.messaging.link import Link
from shared.messaging.topology import WrongTopology, ensure_topology
from shared.settings import RabbitSettings

_RETRY_SECONDS = 2

log = structlog.get_logger(__name__)


class Broker:
    """The settings, and the connections on which the process publishes: one for commands, one for public events."""

    def __init__(self, settings: RabbitSettings, name: str) -> None:
        self.settings = settings
        self._name = name
        self.commands = Link(partial(self.connect, "commands"))
        self.events = EventLink(partial(self.connect, "events"))

    @asynccontextmanager
    async def connect(self, purpose: str) -> AsyncIterator[Connection]:
        """Another connection. The topology is declared on it first, so a new or empty broker needs no restarts."""
        settings = self.settings
        async with open_connection(
            settings.rabbitmq_url, f"{self._name} {purpose}", settings.rabbitmq_heartbeat
        ) as connection:
            await ensure_topology(connection)
            yield connection

    async def ping(self) -> None:
        """Raises BrokerUnavailable unless the broker answers on the connection for commands."""
        await self.commands.ping()


@asynccontextmanager
async def open_broker(settings: RabbitSettings, name: str, stop: asyncio.Event) -> AsyncIterator[Broker]:
    """Connect and declare the topology. Waits without limit, since a service may start before its broker.

    Raises StoppedWhileStarting if `stop` is set first, WrongTopology if the broker refuses the topology.
    """
    broker = Broker(settings, name)
    try:
        await _wait_for(broker, stop)
        yield broker
    finally:
        await broker.commands.close()
        await broker.events.close()


async def _wait_for(broker: Broker, stop: asyncio.Event) -> None:
    while not stop.is_set():
        try:
            await broker.ping()
        except WrongTopology:
            raise
        except BrokerUnavailable as error:
            log.warning("broker_unreachable", error=str(error))
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _RETRY_SECONDS)
        else:
            return
    raise StoppedWhileStarting("broker")
