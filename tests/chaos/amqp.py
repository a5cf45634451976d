"""AMQP properties that are not UTF-8, and a reader that accepts them."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import aio_pika
import pamqp.decode
from aio_pika.abc import AbstractChannel
from aio_pika.exceptions import CONNECTION_EXCEPTIONS

_AGAIN_SECONDS = 1.0
_ANSWER_SECONDS = 10.0
_CHANNEL_SECONDS = 15.0


class Raw(str):
    """A text whose bytes are not UTF-8."""

    __slots__ = ()

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:  # noqa: ARG002
        return b"\xff\xfe\x80" + str.encode(self[:20])


def decode_leniently() -> None:
    """Let this process read short strings that are not UTF-8; the library's reader fails on them."""
    for name in ("aio_pika", "aiormq"):  # they log every lost connection with a traceback
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)

    def short_str(value: bytes) -> tuple[int, str]:
        length = value[0]
        return length + 1, value[1 : length + 1].decode("utf-8", "replace")

    pamqp.decode.short_str = short_str
    pamqp.decode.METHODS["shortstr"] = short_str


Attend = Callable[[AbstractChannel], Awaitable[None]]
"""Declares and consumes on a new channel, and returns."""


async def attend(url: str, work: Attend) -> None:
    """Keep a connection with `work` done on it; connect again whenever it is lost. Runs until it is cancelled."""
    while True:
        try:
            await _attend_once(url, work)
        except CONNECTION_EXCEPTIONS:
            pass
        except asyncio.CancelledError:
            if cancelled():
                raise
        await asyncio.sleep(_AGAIN_SECONDS)


def cancelled() -> bool:
    """Whether this task was cancelled. The library throws CancelledError for lost connections too."""
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0


async def _attend_once(url: str, work: Attend) -> None:
    connection = await aio_pika.connect(url, heartbeat=15, timeout=5)
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            channel = await connection.channel()
            await work(channel)
        while not channel.is_closed:  # the library does not report every loss
            await asyncio.sleep(_AGAIN_SECONDS)
            async with asyncio.timeout(_ANSWER_SECONDS), connection.channel():
                pass
    finally:
        with suppress(*CONNECTION_EXCEPTIONS):
            async with asyncio.timeout(2):
                await connection.close()


@asynccontextmanager
async def with_channel(url: str) -> AsyncIterator[AbstractChannel]:
    """A channel for a short use. Raises OSError if the broker does not answer in time."""
    try:
        async with asyncio.timeout(_CHANNEL_SECONDS):
            connection = await aio_pika.connect(url, timeout=5)
            async with connection, connection.channel() as channel:
                yield channel
    except asyncio.CancelledError:
        if cancelled():
            raise
        raise ConnectionError("the broker went away") from None
