"""Publishing public events, so that no subscriber's queue delays Imagemill.

Subscribers bind their own queues to the exchange. A quorum queue that has lost its majority confirms nothing, and the
broker blocks the channel that published to it. So the confirm of an event is awaited only for a short time.
If it does not come, events are published without confirms for a while: each on a channel of its own, which such a queue
may block. Then one event is published with a confirm again.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

import structlog
from aiormq import Channel

from shared.errors import BrokerUnavailable
from shared.messaging.connection import Connection, new_channel
from shared.messaging.faults import broker_faults
from shared.messaging.link import Connect, Link

CONFIRM_SECONDS = 2.0
WITHOUT_CONFIRMS_SECONDS = 30.0
CHANNELS_PER_CONNECTION = 1_000  # AMQP permits 2,047 by default, and each costs the broker some memory

log = structlog.get_logger(__name__)


class EventLink:
    """Two connections: one channel with confirms, and one channel for each event while confirms do not come."""

    def __init__(self, connect: Connect) -> None:
        self.link = Link(connect)
        self._one_each = _OneChannelEach(connect)
        self._trusted = True
        self._try_again_at = 0.0
        self._trying = False
        self._releasing: asyncio.Task[None] | None = None

    async def is_confirmed(self, publish: Callable[[], Awaitable[None]], limit: float) -> bool:
        """Call `publish`, which publishes on `link`; whether it returned within `limit` seconds.

        False without a call while confirms are not expected. Raises BrokerUnavailable if the broker does not answer.
        """
        if not self._trusted and (self._trying or _now() < self._try_again_at):
            return False
        self._trying = True
        try:
            async with asyncio.timeout(limit):
                with broker_faults("waiting for the confirm of an event"):
                    await publish()
        except TimeoutError:
            self._distrust()
            return False
        except BrokerUnavailable:
            if self._trusted:
                raise
            return False  # another event's confirm did not come, and the connection was given up
        finally:
            self._trying = False
        self._trust()
        return True

    async def send(self, publish: Callable[[Channel], Awaitable[None]]) -> None:
        """Publish without a confirm. The event has been read by the broker when this returns."""
        await self._one_each.send(publish)

    async def close(self) -> None:
        if self._releasing is not None:
            self._releasing.cancel()
        await self.link.close()
        await self._one_each.close()

    def _distrust(self) -> None:
        if self._trusted:
            log.warning("events_not_confirmed", without_confirms_seconds=WITHOUT_CONFIRMS_SECONDS)
        self._trusted = False
        self._try_again_at = _now() + WITHOUT_CONFIRMS_SECONDS
        self.link.abort()  # its channel is blocked by the queue; the events that wait on it are published again

    def _trust(self) -> None:
        if not self._trusted:
            log.info("events_confirmed_again")
            self._trusted = True
            if self._releasing is None or self._releasing.done():
                self._releasing = asyncio.create_task(self._release_channels())

    async def _release_channels(self) -> None:
        """Close the channels of single events a while after confirms came again: by then none waits for a queue."""
        await asyncio.sleep(WITHOUT_CONFIRMS_SECONDS)
        if self._trusted:
            await self._one_each.release()


class _OneChannelEach:
    """A new channel for each message. Its connection is replaced after CHANNELS_PER_CONNECTION of them.

    The replaced connection stays open until the next replacement: closing it would also end channels that still wait
    for a queue, before they have passed their message to the queues behind it.
    """

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._lock = asyncio.Lock()
        self._replaced = AsyncExitStack()
        self._open_things = AsyncExitStack()
        self._connection: Connection | None = None
        self._channels = 0
        self._next: Channel | None = None

    async def send(self, publish: Callable[[Channel], Awaitable[None]]) -> None:
        async with self._lock:
            try:
                connection = await self._current()
                channel = self._next or await new_channel(connection, publisher_confirms=False)
                self._next = None
                with broker_faults("publishing an event without a confirm"):
                    await publish(channel)
                # The broker reads in order: when it has opened the next channel, it has read the message.
                self._next = await new_channel(connection, publisher_confirms=False)
                self._channels += 1
            except BaseException:  # even if the caller's time is over: the message may not have been read
                self._abort()
                raise

    async def release(self) -> None:
        """Close everything; the next message opens a connection again."""
        async with self._lock:
            await self.close()

    async def close(self) -> None:
        self._abort()
        await self._open_things.aclose()
        await self._replaced.aclose()

    async def _current(self) -> Connection:
        if self._channels >= CHANNELS_PER_CONNECTION:
            await self._replaced.aclose()
            self._replaced, self._open_things = self._open_things, AsyncExitStack()
            self._connection = self._next = None
            self._channels = 0  # not replaced again if the next line fails: channels may still wait for a queue
        if self._connection is None or self._connection.is_closed:
            await self._open_things.aclose()
            self._connection = await self._open_things.enter_async_context(self._connect())
            self._open_things.callback(self._connection.abort)  # a close in order would wait for blocked channels
            self._channels, self._next = 0, None
        return self._connection

    def _abort(self) -> None:
        if self._connection is not None:
            self._connection.abort()
        self._connection = self._next = None


def _now() -> float:
    return asyncio.get_running_loop().time()
