"""Replies to the commands of this process: one exclusive queue, and an inbox for each caller that waits."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Generic, TypeVar, cast

import structlog
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, AbstractRobustChannel

from shared.contracts.messages import Message
from shared.messaging.broker import Broker, open_channel
from shared.messaging.codec import Undecodable, decode
from shared.messaging.topology import COMMANDS_EXCHANGE

R = TypeVar("R", bound=Message)

Inbox = asyncio.Queue[R | None]
"""The replies to one caller as they arrive; None when no more will come, because the process stops."""

_REDECLARE_DELAY_SECONDS = 2  # a broker that refuses the queue closes the channel, which aio-pika reopens at once

log = structlog.get_logger(__name__)


class Replies(Generic[R]):
    """Routes the replies in `queue` to the inbox of their correlation id; a reply that nobody waits for is dropped.

    The queue is exclusive: it ends with its connection, and the replies in it are lost. The next connection declares a
    queue of another name, because the broker may still consider the old connection alive and lock its queue.
    """

    def __init__(self, type_: type[R], correlation_id: Callable[[R], str], queue: str = "") -> None:
        """`correlation_id` returns the id that a reply has in common with its command."""
        self.queue = queue
        self._type = type_
        self._correlation_id = correlation_id
        self._inboxes: dict[str, Inbox[R]] = {}

    @classmethod
    @asynccontextmanager
    async def open(
        cls, broker: Broker, type_: type[R], correlation_id: Callable[[R], str]
    ) -> AsyncIterator["Replies[R]"]:
        """Replies on a queue with an unguessable name."""
        replies = cls(type_, correlation_id)
        async with open_channel(broker.consuming, publisher_confirms=False) as opened:
            channel = cast(AbstractRobustChannel, opened)
            channel.reopen_callbacks.add(replies._redeclare)
            await replies._declare(channel)
            try:
                yield replies
            finally:
                replies.close()

    async def _declare(self, channel: AbstractRobustChannel) -> None:
        name = f"imagemill.replies.{secrets.token_hex(16)}"
        queue = await channel.declare_queue(name, exclusive=True, auto_delete=True, robust=False)
        await queue.bind(COMMANDS_EXCHANGE, routing_key=name, robust=False)
        await queue.consume(self._receive, no_ack=True, robust=False)
        self.queue = name

    async def _redeclare(self, channel: AbstractChannel | None, *_: object) -> None:
        try:
            await self._declare(cast(AbstractRobustChannel, channel))
        except Exception as error:  # aio-pika swallows it; after a lost connection the next one calls this again
            log.warning("reply_queue_not_declared", error=repr(error))
            await asyncio.sleep(_REDECLARE_DELAY_SECONDS)

    @property
    def waiting(self) -> int:
        """The number of callers that wait for replies."""
        return len(self._inboxes)

    @contextmanager
    def inbox(self, correlation_id: str) -> Iterator[Inbox[R]]:
        """Where the replies with this id arrive until the context ends."""
        inbox: Inbox[R] = asyncio.Queue()
        self._inboxes[correlation_id] = inbox
        try:
            yield inbox
        finally:
            del self._inboxes[correlation_id]

    def deliver(self, reply: R) -> None:
        """Put the reply into the inbox of its correlation id."""
        correlation_id = self._correlation_id(reply)
        inbox = self._inboxes.get(correlation_id)
        if inbox is None:
            log.debug("reply_unexpected", correlation_id=correlation_id)
        else:
            inbox.put_nowait(reply)

    async def _receive(self, delivery: AbstractIncomingMessage) -> None:
        try:
            reply = decode(delivery, (self._type,))
        except Undecodable as error:
            log.warning("reply_undecodable", reason=str(error))
        else:
            self.deliver(cast(R, reply))

    def close(self) -> None:
        """Tell every waiting caller that no more replies will come."""
        for inbox in self._inboxes.values():
            inbox.put_nowait(None)
