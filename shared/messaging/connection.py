"""One connection to RabbitMQ. It is not opened again when it is lost: its user opens another."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, cast

import aio_pika
from aiormq import Channel
from aiormq.connection import TCPTransportFactory, TLSTransportFactory, TransportFactory
from yarl import URL

from shared.errors import BrokerUnavailable
from shared.messaging import tolerant_decoding
from shared.messaging.faults import broker_faults

DEFAULT_HEARTBEAT_SECONDS = 15  # a silent link is noticed after three of these, if nobody waits for an answer
RPC_SECONDS = 10
"""Time for one answer of the broker."""

_CONNECT_SECONDS = 10
_CLOSE_SECONDS = 2  # a silent broker would otherwise delay the caller by a heartbeat or two


class _Transport(TransportFactory):
    """Keeps the socket, so that a silent connection can be ended without waiting for its peer."""

    def __init__(self) -> None:
        self._writer: asyncio.StreamWriter | None = None

    async def create(self, url: URL, **options: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        factory = TLSTransportFactory() if url.scheme == "amqps" else TCPTransportFactory()
        reader, self._writer = await factory.create(url, **options)
        return reader, self._writer

    def abort(self) -> None:
        if self._writer is not None:
            self._writer.transport.abort()


class Connection(aio_pika.Connection):
    """A connection of aio-pika that can be aborted."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._socket = _Transport()
        self.kwargs = {**self.kwargs, "transport_factory": self._socket}

    def __del__(self) -> None:
        """Do nothing: that of aio_pika starts a task, but garbage may be collected while no event loop runs."""

    def abort(self) -> None:
        """End the connection at once. Tasks that wait for it get an error."""
        self._socket.abort()

    async def unblocked(self) -> None:
        """Wait while a memory or disk alarm makes the broker read nothing from publishing connections."""
        if self.transport is not None:
            await self.transport.ready()

    async def shut(self) -> None:
        """Close it in order if the broker answers, and abort it otherwise."""
        cut = asyncio.get_running_loop().call_later(_CLOSE_SECONDS, self.abort)
        try:
            with suppress(BrokerUnavailable), broker_faults("closing the connection"):
                async with asyncio.timeout(2 * _CLOSE_SECONDS):
                    await self.close()
        finally:
            cut.cancel()
            self.abort()


@asynccontextmanager
async def open_connection(url: str, name: str, heartbeat: int = DEFAULT_HEARTBEAT_SECONDS) -> AsyncIterator[Connection]:
    """A connection that is closed at the end. Raises BrokerUnavailable if the broker does not answer."""
    tolerant_decoding.install()
    with broker_faults("connecting"):
        connection = await aio_pika.connect(
            url,
            heartbeat=heartbeat,
            timeout=_CONNECT_SECONDS,
            client_properties={"connection_name": f"imagemill {name}"},
            connection_class=Connection,
        )
    try:
        yield connection
    finally:
        await connection.shut()


async def new_channel(connection: Connection, **options: bool) -> Channel:
    """A channel of aiormq that closes with its connection. `options` are those of its class."""
    if connection.transport is None:
        raise BrokerUnavailable("the connection to RabbitMQ was closed")
    with broker_faults("opening a channel"):
        async with asyncio.timeout(RPC_SECONDS):
            return cast(Channel, await connection.transport.connection.channel(**options))


@asynccontextmanager
async def open_channel(connection: Connection, **options: bool) -> AsyncIterator[Channel]:
    """A channel of aiormq. `options` are those of its class.

    At the end it is closed before its connection: what waits to be written would be lost, for example acknowledgements.
    """
    channel = await new_channel(connection, **options)
    try:
        yield channel
    finally:
        with suppress(BrokerUnavailable), broker_faults("closing a channel"):
            async with asyncio.timeout(_CLOSE_SECONDS):
                await channel.close()
