"""Connections to RabbitMQ: one for publishing and one for consuming; both reconnect automatically.

A broker under a memory or disk alarm stops reading from connections that publish. On a shared connection the
acknowledgements would stall too.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass

import aio_pika
import structlog
from aio_pika.abc import AbstractChannel, AbstractRobustConnection
from aio_pika.exceptions import CONNECTION_EXCEPTIONS

from shared.errors import BrokerUnavailable, StoppedWhileStarting
from shared.messaging.topology import declare_topology
from shared.settings import RabbitSettings

_HEARTBEAT_SECONDS = 15  # a dead link is detected after three missed heartbeats; values below 5 cause false alarms
_RECONNECT_SECONDS = 2
_PING_SECONDS = 5
_CLOSE_SECONDS = 2  # a silent broker would otherwise delay the shutdown by a heartbeat or two

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Broker:
    """The open connections, and the settings they were opened with."""

    settings: RabbitSettings
    publishing: AbstractRobustConnection
    consuming: AbstractRobustConnection

    async def ping(self) -> None:
        """Raises BrokerUnavailable unless the broker answers on the publishing connection."""
        try:
            async with asyncio.timeout(_PING_SECONDS):
                await self.publishing.ready()
                async with self.publishing.channel(publisher_confirms=False):
                    pass
        except CONNECTION_EXCEPTIONS as error:  # a TimeoutError is an OSError
            raise BrokerUnavailable(f"RabbitMQ does not answer: {error!r}") from error


@asynccontextmanager
async def open_channel(connection: AbstractRobustConnection, **options: bool) -> AsyncIterator[AbstractChannel]:
    """A channel that is closed at the end if the broker answers; otherwise it closes with its connection."""
    channel = await connection.channel(**options)
    try:
        yield channel
    finally:
        with suppress(*CONNECTION_EXCEPTIONS):  # a TimeoutError is an OSError
            async with asyncio.timeout(_CLOSE_SECONDS):
                await channel.close()


@asynccontextmanager
async def open_broker(settings: RabbitSettings, name: str, stop: asyncio.Event) -> AsyncIterator[Broker]:
    """Connect and declare the topology. Waits without limit, since a service may start before its broker.

    Raises StoppedWhileStarting if `stop` is set first.
    """
    async with AsyncExitStack() as stack:
        publishing = await stack.enter_async_context(await _connect(settings.rabbitmq_url, f"{name} publishing", stop))
        consuming = await stack.enter_async_context(await _connect(settings.rabbitmq_url, f"{name} consuming", stop))
        async with publishing.channel() as channel:
            await declare_topology(channel)
        yield Broker(settings, publishing, consuming)


async def _connect(url: str, name: str, stop: asyncio.Event) -> AbstractRobustConnection:
    while not stop.is_set():
        try:
            return await aio_pika.connect_robust(
                url,
                heartbeat=_HEARTBEAT_SECONDS,
                reconnect_interval=_RECONNECT_SECONDS,
                timeout=10,
                client_properties={"connection_name": f"imagemill {name}"},
            )
        except CONNECTION_EXCEPTIONS as error:
            log.warning("broker_unreachable", connection=name, error=str(error))
            await asyncio.sleep(_RECONNECT_SECONDS)
    raise StoppedWhileStarting(name)
