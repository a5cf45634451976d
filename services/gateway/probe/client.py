"""Has the downloaders probe URLs, and receives their replies. The gateway itself fetches nothing."""

import asyncio
import secrets
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

import structlog

from shared.contracts.messages import ImagesProbed, ProbeImages
from shared.errors import BrokerUnavailable
from shared.messaging import Inbox, Publish, Replies, ReplyClient, ReplyConnection

# Commands are sent a few at a time: when a client disconnects, the rest need not be probed.
_COMMANDS_AT_ONCE = 32

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Unanswered:
    """URLs without a reply, and the reason."""

    urls: Sequence[str]
    reason: str


def probe_replies() -> Replies[ImagesProbed]:
    """The replies to this process's probes."""
    return Replies(ImagesProbed, lambda reply: reply.probe_id)


class ProbeClient(ReplyClient[ImagesProbed]):
    """Sends probes while it is connected to the broker; otherwise every URL is unanswered."""

    def __init__(self, timeout: float, clock: Callable[[], datetime]) -> None:
        """`timeout`: seconds for all URLs of one `probe`."""
        super().__init__()
        self._timeout = timeout
        self._clock = clock

    async def probe(self, batches: Sequence[tuple[str, ...]]) -> AsyncGenerator[ImagesProbed | Unanswered]:
        """Probe the URLs. Yields replies as they arrive, with each URL once, and at last the unanswered URLs.

        It ends within the timeout, or when the caller closes it.
        """
        waiting = dict.fromkeys(url for batch in batches for url in batch)
        reason = "the gateway is not connected to RabbitMQ"
        if self._connection is not None:
            try:
                async with aclosing(self._exchange(self._connection, batches, waiting)) as replies:
                    async for reply in replies:
                        yield reply
                reason = "the gateway is stopping"
            except TimeoutError:
                reason = f"no downloader answered within {self._timeout:g} seconds"
            except BrokerUnavailable as fault:
                log.warning("probe_not_sent", error=str(fault))
                reason = "RabbitMQ did not accept the probe"
        if waiting:
            yield Unanswered(tuple(waiting), reason)

    async def _exchange(
        self, connection: ReplyConnection[ImagesProbed], batches: Sequence[tuple[str, ...]], waiting: dict[str, None]
    ) -> AsyncGenerator[ImagesProbed]:
        """Send the commands and yield the replies; each URL is removed from `waiting` when its reply arrives."""
        deadline = asyncio.get_running_loop().time() + self._timeout
        probe_id = secrets.token_hex(16)
        commands = iter(self._commands(probe_id, connection.replies.queue, batches))
        with connection.replies.inbox(probe_id) as inbox:
            await _send(connection.publish, islice(commands, _COMMANDS_AT_ONCE), deadline)
            while waiting and (reply := await _next(inbox, deadline)) is not None:
                fresh = tuple(image for image in reply.images if image.url in waiting)
                if fresh:  # a command that was delivered twice has two replies
                    for image in fresh:
                        del waiting[image.url]
                    yield reply.model_copy(update={"images": fresh})
                    await _send(connection.publish, islice(commands, 1), deadline)

    def _commands(self, probe_id: str, reply_to: str, batches: Sequence[tuple[str, ...]]) -> list[ProbeImages]:
        answer_by = self._clock() + timedelta(seconds=self._timeout)
        return [ProbeImages(probe_id=probe_id, reply_to=reply_to, urls=batch, answer_by=answer_by) for batch in batches]


async def _send(publish: Publish, commands: Iterator[ProbeImages], deadline: float) -> None:
    async with asyncio.timeout_at(deadline):
        await publish(list(commands))


async def _next(inbox: Inbox[ImagesProbed], deadline: float) -> ImagesProbed | None:
    async with asyncio.timeout_at(deadline):
        return await inbox.get()
