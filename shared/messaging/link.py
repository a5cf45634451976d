"""A connection for publishing that is opened when it is first needed, and again after it was lost."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack

from aiormq import Channel

from shared.errors import BrokerUnavailable
from shared.messaging.connection import Connection, open_channel
from shared.messaging.faults import broker_faults
from shared.messaging.topology import ensure_topology

_PING_SECONDS = 5

Connect = Callable[[], AbstractAsyncContextManager[Connection]]
"""Opens a connection and declares the topology."""


class Link:
    """One channel with confirms. It is opened on use; no background task is involved."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._open_things = AsyncExitStack()
        self._connection: Connection | None = None
        self._channel: Channel | None = None
        self._opening: asyncio.Task[Channel] | None = None
        self._declaring = asyncio.Lock()
        self._declared_at = 0.0

    async def channel(self) -> Channel:
        """The open channel. Raises BrokerUnavailable if the broker does not answer."""
        if self._channel is not None and not self._channel.is_closed:
            return self._channel
        if self._opening is None or self._opening.done():
            self._opening = asyncio.create_task(self._open())
            self._opening.add_done_callback(_retrieve)
        # A caller whose time is over does not interrupt the opening: the next caller may find the channel open.
        return await asyncio.shield(self._opening)

    async def ping(self) -> None:
        """Raises BrokerUnavailable unless the broker answers on the connection; then the next call opens another."""
        await self.channel()
        connection = self._connection
        if connection is None:
            raise BrokerUnavailable("the connection to RabbitMQ was closed")
        with broker_faults("waiting for the end of an alarm (memory or disk)"):
            async with asyncio.timeout(_PING_SECONDS):
                await connection.unblocked()
        try:
            with broker_faults("waiting for the answer to a ping"):
                async with asyncio.timeout(_PING_SECONDS), connection.channel(publisher_confirms=False):
                    pass
        except BrokerUnavailable:
            connection.abort()  # else a silent connection is noticed only after three heartbeats
            raise

    async def repair(self, since: float) -> None:
        """Declare the topology again, unless this was done after the time `since` of the event loop."""
        await self.channel()  # opening a connection declares it, too
        async with self._declaring:
            if self._declared_at <= since and self._connection is not None:
                await ensure_topology(self._connection)
                self._declared_at = asyncio.get_running_loop().time()

    def abort(self) -> None:
        """Close the connection; the next call opens another."""
        self._channel = None
        if self._connection is not None:
            self._connection.abort()

    async def close(self) -> None:
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.wait([self._opening])
        self._channel = self._connection = None
        await self._open_things.aclose()

    async def _open(self) -> Channel:
        self._channel = self._connection = None
        await self._open_things.aclose()
        self._connection = await self._open_things.enter_async_context(self._connect())
        self._declared_at = asyncio.get_running_loop().time()
        # An unroutable command must be an error: without on_return_raises it would count as published.
        self._channel = await self._open_things.enter_async_context(
            open_channel(self._connection, on_return_raises=True)
        )
        return self._channel


def _retrieve(opening: "asyncio.Task[Channel]") -> None:
    if not opening.cancelled():
        opening.exception()  # asyncio logs an exception that nobody retrieves, and all callers may have given up
