"""The base of clients that send commands and receive their replies."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic

from shared.messaging.publisher import Publish
from shared.messaging.replies import R, Replies


@dataclass(frozen=True, slots=True)
class ReplyConnection(Generic[R]):
    publish: Publish
    replies: Replies[R]


class ReplyClient(Generic[R]):
    """Has a connection only while the process is connected to the broker."""

    def __init__(self) -> None:
        self._connection: ReplyConnection[R] | None = None

    @contextmanager
    def connected(self, publish: Publish, replies: Replies[R]) -> Iterator[None]:
        """The client is connected until the context ends."""
        self._connection = ReplyConnection(publish, replies)
        try:
            yield
        finally:
            self._connection = None
