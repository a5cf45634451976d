"""What a consumer does with the messages of a queue."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from shared.contracts.messages import Message
from shared.messaging.publisher import Outgoing
from shared.messaging.received_message import ReceivedMessage
from shared.messaging.topology import Queue

T = TypeVar("T")

Handler = Callable[[Any], Awaitable[Sequence[Outgoing]]]
"""Takes one message and returns the messages to publish. It may be called again with the same message at any time."""


class Unproven(list[T]):
    """The answer of a handler that did not use every dependency of its gate, such as for a message that it dropped.

    It does not open a half-open gate.
    """


RETRY_FOR_SECONDS = 2.0
SUSPECT_AFTER = 10
HOLD_SECONDS = 60.0  # RabbitMQ closes a channel that leaves a message without an answer for half an hour


@dataclass(frozen=True, slots=True)
class Subscription:
    """Messages of `queue` go to `handle`, at most `concurrency` at a time.

    park_unknown: whether a message that cannot be decoded, or that failed too often, is copied to imagemill.dead, or
        just dropped.
    on_suspect: takes a message instead of `handle` once it was returned without an answer `suspect_after` times: it
        may have killed its workers. It uses no dependency but the broker.
    retry_for: seconds in which the handler is called again before an unavailable dependency closes the gate.
    hold: seconds for which messages are held behind a closed gate before they are given back to the queue.
    """

    queue: Queue
    types: tuple[type[Message], ...]
    handle: Handler
    concurrency: int
    park_unknown: bool = True
    on_suspect: Handler | None = None
    suspect_after: int = SUSPECT_AFTER
    retry_for: float = RETRY_FOR_SECONDS
    hold: float = HOLD_SECONDS

    def handler_of(self, received: ReceivedMessage) -> Handler:
        if self.on_suspect is not None and received.returns >= self.suspect_after:
            return self.on_suspect
        return self.handle
