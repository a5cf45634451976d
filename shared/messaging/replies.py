"""Replies to the commands of this process: one exclusive queue, and an inbox for each caller that waits."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

import structlog

from shared.contracts.messages import Message
from shared.errors import BrokerUnavailable
from shared.messaging.broker import Broker
from shared.messaging.own_queue import OwnQueue
from shared.messaging.topology import COMMANDS_EXCHANGE
from shared.observability import Health

R = TypeVar("R", bound=Message)

Inbox = asyncio.Queue[R | None]
"""The replies to one caller as they arrive; None when no more will come, because the process stops."""

log = structlog.get_logger(__name__)


class Replies(Generic[R]):
    """Routes the replies in `queue` to the inbox of their correlation id; a reply that nobody waits for is dropped."""

    def __init__(
        self, type_: type[R], correlation_id: Callable[[R], str], queue: str | None = None, *, name: str = "replies"
    ) -> None:
        """`correlation_id` returns the id that a reply has in common with its command.

        name: part of the queue's name, and the name of the loop in the process's health.
        """
        self._correlation_id = correlation_id
        self._inboxes: dict[str, Inbox[R]] = {}
        self._own_queue = OwnQueue(name, COMMANDS_EXCHANGE, (type_,), self.deliver)
        self._own_queue.name = queue

    @property
    def queue(self) -> str:
        """Where replies arrive. Raises BrokerUnavailable while they cannot."""
        if self._own_queue.name is None:
            raise BrokerUnavailable("there is no queue for replies: the connection to RabbitMQ was lost")
        return self._own_queue.name

    async def receive(self, broker: Broker, health: Health, stop: asyncio.Event) -> None:
        """Receive replies until `stop` is set."""
        await self._own_queue.receive(broker, health, stop)

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

    def close(self) -> None:
        """Tell every waiting caller that no more replies will come."""
        for inbox in self._inboxes.values():
            inbox.put_nowait(None)
