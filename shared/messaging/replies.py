"""Answers to commands of this process: a queue of its own, and for each asker what was meant for it."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import cast

import structlog
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, AbstractRobustChannel

from shared.contracts.messages import ImagesProbed
from shared.messaging.broker import Broker, open_channel
from shared.messaging.codec import Undecodable, decode
from shared.messaging.topology import COMMANDS_EXCHANGE

Inbox = asyncio.Queue[ImagesProbed | None]
"""The answers as they come; None once there will be no more, because the process stops."""

_AGAIN_SECONDS = 2  # a broker that refuses closes the channel, which is opened again at once

log = structlog.get_logger(__name__)


class Replies:
    """The answers that reach `queue`, dealt out by probe_id; one that nobody expects is dropped.

    The queue is exclusive: it ends with its connection, and what was in it is lost. With the next connection there is
    another one, of another name: the broker may still take the old connection for alive, and lock what belongs to it.
    """

    def __init__(self, queue: str = "") -> None:
        self.queue = queue
        self._inboxes: dict[str, Inbox] = {}

    @classmethod
    @asynccontextmanager
    async def open(cls, broker: Broker) -> AsyncIterator["Replies"]:
        """Replies on a queue whose name nobody can guess."""
        replies = cls()
        async with open_channel(broker.consuming, publisher_confirms=False) as opened:
            channel = cast(AbstractRobustChannel, opened)
            channel.reopen_callbacks.add(replies._declare_again)
            await replies._declare(channel)
            try:
                yield replies
            finally:
                replies.end()

    async def _declare(self, channel: AbstractRobustChannel) -> None:
        name = f"imagemill.replies.{secrets.token_hex(16)}"
        queue = await channel.declare_queue(name, exclusive=True, auto_delete=True, robust=False)
        await queue.bind(COMMANDS_EXCHANGE, routing_key=name, robust=False)
        await queue.consume(self._take, no_ack=True, robust=False)
        self.queue = name

    async def _declare_again(self, channel: AbstractChannel | None, *_: object) -> None:
        try:
            await self._declare(cast(AbstractRobustChannel, channel))
        except Exception as error:  # aio-pika would drop it unsaid; with the connection gone, the next one calls again
            log.warning("reply_queue_not_declared", error=repr(error))
            await asyncio.sleep(_AGAIN_SECONDS)

    @property
    def waiting(self) -> int:
        """How many expect answers."""
        return len(self._inboxes)

    @contextmanager
    def expecting(self, probe_id: str) -> Iterator[Inbox]:
        """Where the answers to this probe arrive until the context ends."""
        inbox: Inbox = asyncio.Queue()
        self._inboxes[probe_id] = inbox
        try:
            yield inbox
        finally:
            del self._inboxes[probe_id]

    def deal(self, reply: ImagesProbed) -> None:
        """Hand it to the one who expects it."""
        inbox = self._inboxes.get(reply.probe_id)
        if inbox is None:
            log.debug("reply_unexpected", probe_id=reply.probe_id)
        else:
            inbox.put_nowait(reply)

    async def _take(self, delivery: AbstractIncomingMessage) -> None:
        try:
            reply = decode(delivery, (ImagesProbed,))
        except Undecodable as fault:
            log.warning("reply_undecodable", reason=str(fault))
        else:
            self.deal(cast(ImagesProbed, reply))

    def end(self) -> None:
        """Tell all who wait that no more will come."""
        for inbox in self._inboxes.values():
            inbox.put_nowait(None)
