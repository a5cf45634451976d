"""Commands, and handlers that record them."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from shared.contracts.messages import DownloadImage, Message
from shared.messaging import Handler, Outgoing, Queue, Subscription
from tests.support.builders import an_image
from tests.support.worker_messages import compress, download

COMMANDS = [download(an_image(f"http://images.test/{number}.jpg")) for number in range(20)]
FOLLOW_UP = compress(an_image())


@dataclass
class Recorder:
    """A handler that records its messages and returns `answer`. With `hold`, it returns once that is set."""

    answer: Sequence[Outgoing] = ()
    seen: list[Message] = field(default_factory=list)
    handled: list[Message] = field(default_factory=list)
    hold: asyncio.Event | None = None

    async def __call__(self, message: Message) -> Sequence[Outgoing]:
        self.seen.append(message)
        if self.hold is not None:
            await self.hold.wait()
        self.handled.append(message)
        return self.answer


def downloads(handler: Handler, concurrency: int = 4) -> Subscription:
    return Subscription(Queue.DOWNLOAD, (DownloadImage,), handler, concurrency)


def are_all(messages: Sequence[Message]) -> bool:
    """Whether every one of COMMANDS is among them."""
    return all(command in messages for command in COMMANDS)
