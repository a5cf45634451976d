"""Having URLs looked at by the downloaders, and hearing what they saw: the gateway itself fetches nothing."""

import asyncio
import secrets
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

import structlog

from shared.contracts.messages import ImagesProbed, ProbeImages
from shared.errors import BrokerUnavailable
from shared.messaging import Broker, Inbox, Publish, Replies

# Not all commands at once: a client that hangs up spares the downloaders the rest.
_COMMANDS_AT_ONCE = 32

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Unanswered:
    """URLs of which nothing is known, and why."""

    urls: Sequence[str]
    reason: str


@dataclass(frozen=True, slots=True)
class _Line:
    publish: Publish
    replies: Replies[ImagesProbed]


def open_replies(broker: Broker) -> AbstractAsyncContextManager[Replies[ImagesProbed]]:
    """The queue for the replies to this process's probes."""
    return Replies.open(broker, ImagesProbed, lambda reply: reply.probe_id)


class Prober:
    """Asks while there is a line to the downloaders, and says so if there is none. `timeout`: seconds for all URLs."""

    def __init__(self, timeout: float, clock: Callable[[], datetime]) -> None:
        self._timeout = timeout
        self._clock = clock
        self._line: _Line | None = None

    @contextmanager
    def connected(self, publish: Publish, replies: Replies[ImagesProbed]) -> Iterator[None]:
        """There is a line until the context ends."""
        self._line = _Line(publish, replies)
        try:
            yield
        finally:
            self._line = None

    async def answers(self, batches: Sequence[tuple[str, ...]]) -> AsyncGenerator[ImagesProbed | Unanswered]:
        """What is said of the URLs, each once, as it comes; what nobody has said in time is unanswered.

        It ends within the timeout, and whenever the caller does.
        """
        waiting = dict.fromkeys(url for batch in batches for url in batch)
        reason = "the gateway is not connected to RabbitMQ"
        if self._line is not None:
            try:
                async with aclosing(self._ask(self._line, batches, waiting)) as answers:
                    async for answer in answers:
                        yield answer
                reason = "the gateway is stopping"
            except TimeoutError:
                reason = f"no downloader answered within {self._timeout:g} seconds"
            except BrokerUnavailable as fault:
                log.warning("probe_not_sent", error=str(fault))
                reason = "RabbitMQ does not take the question to a downloader"
        if waiting:
            yield Unanswered(tuple(waiting), reason)

    async def _ask(
        self, line: _Line, batches: Sequence[tuple[str, ...]], waiting: dict[str, None]
    ) -> AsyncGenerator[ImagesProbed]:
        deadline = asyncio.get_running_loop().time() + self._timeout
        probe_id = secrets.token_hex(16)
        commands = iter(self._commands(probe_id, line.replies.queue, batches))
        with line.replies.inbox(probe_id) as inbox:
            await _send(line.publish, islice(commands, _COMMANDS_AT_ONCE), deadline)
            while waiting and (answer := await _next(inbox, deadline)) is not None:
                fresh = tuple(image for image in answer.images if image.url in waiting)
                if fresh:  # a command that was delivered twice is answered twice
                    for image in fresh:
                        del waiting[image.url]
                    yield answer.model_copy(update={"images": fresh})
                    await _send(line.publish, islice(commands, 1), deadline)

    def _commands(self, probe_id: str, reply_to: str, batches: Sequence[tuple[str, ...]]) -> list[ProbeImages]:
        answer_by = self._clock() + timedelta(seconds=self._timeout)
        return [ProbeImages(probe_id=probe_id, reply_to=reply_to, urls=batch, answer_by=answer_by) for batch in batches]


async def _send(publish: Publish, commands: Iterator[ProbeImages], deadline: float) -> None:
    async with asyncio.timeout_at(deadline):
        await publish(list(commands))


async def _next(inbox: Inbox[ImagesProbed], deadline: float) -> ImagesProbed | None:
    async with asyncio.timeout_at(deadline):
        return await inbox.get()
