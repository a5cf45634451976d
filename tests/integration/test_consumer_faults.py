"""A bug in the runtime itself loses neither a message nor a worker."""

import asyncio
from collections.abc import Iterable

import pytest

from shared.contracts.messages import Message
from shared.messaging import Queue, codec, list_dead
from shared.messaging.codec import Received
from tests.support.messaging_runtime import open_runtime, waiting_in
from tests.support.recorder import COMMANDS, Recorder, are_all, downloads
from tests.support.waiting import until

CONCURRENCY = 4


async def test_a_delivery_that_breaks_the_runtime_returns_to_its_queue_and_no_worker_dies(
    rabbitmq_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = 0

    def decode(delivery: Received, known: Iterable[type[Message]]) -> Message:
        nonlocal broken
        if broken < CONCURRENCY:  # once for each worker
            broken += 1
            raise KeyError("a bug")
        return codec.decode(delivery, known)

    monkeypatch.setattr("shared.messaging.work.decode", decode)
    handler = Recorder(hold=asyncio.Event())
    assert handler.hold is not None
    async with open_runtime(rabbitmq_url) as runtime:
        async with runtime.consuming(downloads(handler, CONCURRENCY)):
            await runtime.publisher.publish(COMMANDS)
            await until(lambda: len(handler.seen) == CONCURRENCY, what="one message in progress per worker, as before")
            handler.hold.set()
            await until(lambda: are_all(handler.handled))
        assert broken == CONCURRENCY
        assert len(handler.handled) == len(COMMANDS)
    assert await waiting_in(rabbitmq_url, Queue.DOWNLOAD) == 0
    assert await list_dead(rabbitmq_url) == []
