"""Publishing on a real broker: confirmed messages have arrived, and a missing confirm raises in time."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel, AbstractQueue

from shared.contracts.events import PublicEvent
from shared.contracts.messages import DeliverWebhook, FinishRequest
from shared.errors import BrokerUnavailable
from shared.messaging import COMMANDS_EXCHANGE, EVENTS_EXCHANGE, Outgoing, Publish, Queue
from tests.support.messaging_runtime import open_broker_proxy, open_runtime, waiting_in
from tests.support.waiting import until

IN_TIME = 4  # seconds, with a publish_timeout of 1
COMMANDS = [FinishRequest(request_id=f"request-{number}", round=1) for number in range(50)]


def _events(count: int, type_: str = "image.failed") -> list[PublicEvent]:
    now = datetime.now(UTC)
    return [
        PublicEvent(f"event-{number}", type_, f"subject-{number}", now, {"number": number}) for number in range(count)
    ]


@asynccontextmanager
async def _subscriber(url: str, pattern: str, arguments: dict[str, Any] | None = None) -> AsyncIterator[AbstractQueue]:
    """A subscriber's own queue on imagemill.events."""
    async with await aio_pika.connect(url) as connection, connection.channel() as channel:
        queue = await channel.declare_queue(exclusive=True, arguments=arguments)
        await queue.bind(EVENTS_EXCHANGE, routing_key=pattern)
        yield queue


async def _ids_in(queue: AbstractQueue) -> list[str]:
    ids = []
    while (message := await queue.get(fail=False)) is not None:
        await message.ack()
        ids.append(str(message.message_id))
    return sorted(ids)


async def test_published_messages_are_in_their_queue(rabbitmq_url: str) -> None:
    async with open_runtime(rabbitmq_url) as runtime:
        await runtime.publisher.publish(COMMANDS)
        await runtime.publisher.publish([])
    assert await waiting_in(rabbitmq_url, Queue.FINISH) == len(COMMANDS)


async def _delete_queue(channel: AbstractChannel) -> None:
    await channel.queue_delete(Queue.WEBHOOKS)


async def _delete_binding(channel: AbstractChannel) -> None:
    queue = await channel.get_queue(Queue.WEBHOOKS, ensure=False)
    await queue.unbind(COMMANDS_EXCHANGE, routing_key=Queue.WEBHOOKS)


async def _delete_exchange(channel: AbstractChannel) -> None:
    await channel.exchange_delete(COMMANDS_EXCHANGE)


@pytest.mark.parametrize("delete", [_delete_queue, _delete_binding, _delete_exchange])
async def test_publishing_an_unroutable_command_declares_what_is_missing(
    rabbitmq_url: str, delete: Callable[[AbstractChannel], Awaitable[None]]
) -> None:
    deliveries = [DeliverWebhook(delivery_id=str(number)) for number in range(10)]
    async with open_runtime(rabbitmq_url) as runtime:
        await runtime.publisher.publish(COMMANDS)
        async with await aio_pika.connect(rabbitmq_url) as connection, connection.channel() as channel:
            await delete(channel)
        await until(lambda: _publishes(runtime.publisher.publish, deliveries))
        await runtime.publisher.publish(COMMANDS)
    assert await waiting_in(rabbitmq_url, Queue.WEBHOOKS) >= len(deliveries)
    assert await waiting_in(rabbitmq_url, Queue.FINISH) == 2 * len(COMMANDS)


async def test_publishing_an_event_declares_a_missing_exchange(rabbitmq_url: str) -> None:
    async with open_runtime(rabbitmq_url) as runtime:
        await runtime.publisher.publish(_events(1))
        async with await aio_pika.connect(rabbitmq_url) as connection, connection.channel() as channel:
            await channel.exchange_delete(EVENTS_EXCHANGE)
        await until(lambda: _publishes(runtime.publisher.publish, _events(1)))
        async with _subscriber(rabbitmq_url, "#") as queue:
            await runtime.publisher.publish(_events(1))
            assert await _ids_in(queue) == ["event-0"]


async def test_events_reach_the_subscribers_to_their_type(rabbitmq_url: str) -> None:
    async with (
        open_runtime(rabbitmq_url) as runtime,
        _subscriber(rabbitmq_url, "#") as everything,
        _subscriber(rabbitmq_url, "image.*") as images,
        _subscriber(rabbitmq_url, "request.*") as requests,
    ):
        await runtime.publisher.publish([*_events(3), *_events(1, "request.completed"), COMMANDS[0]])
        assert await _ids_in(everything) == ["event-0", "event-0", "event-1", "event-2"]
        assert await _ids_in(images) == ["event-0", "event-1", "event-2"]
        assert await _ids_in(requests) == ["event-0"]
        assert runtime.counted("imagemill_messages_published_total", exchange=EVENTS_EXCHANGE) == 4


async def test_events_need_no_subscriber(rabbitmq_url: str) -> None:
    async with open_runtime(rabbitmq_url) as runtime:
        await runtime.publisher.publish(_events(3))


async def test_the_full_queue_of_one_subscriber_affects_no_other(rabbitmq_url: str) -> None:
    full = {"x-max-length": 2, "x-overflow": "reject-publish"}
    async with (
        open_runtime(rabbitmq_url) as runtime,
        _subscriber(rabbitmq_url, "#", full),
        _subscriber(rabbitmq_url, "#") as roomy,
    ):
        for event, command in zip(_events(6), COMMANDS, strict=False):
            await runtime.publisher.publish([event, command])
        assert runtime.counted("imagemill_events_refused_total") == 4
        assert await _ids_in(roomy) == [f"event-{number}" for number in range(6)]
    assert await waiting_in(rabbitmq_url, Queue.FINISH) == 6


async def test_publishing_raises_in_time_during_an_outage(rabbitmq_url: str) -> None:
    async with open_broker_proxy(rabbitmq_url) as (proxy, url), open_runtime(url, publish_timeout=1) as runtime:
        await runtime.publisher.publish(COMMANDS[:1])
        proxy.cut()
        for _ in range(2):
            with pytest.raises(BrokerUnavailable):
                await asyncio.wait_for(runtime.publisher.publish([*COMMANDS[1:3], *_events(2)]), IN_TIME)
        proxy.restore()
        await until(lambda: _publishes(runtime.publisher.publish))
    assert await waiting_in(rabbitmq_url, Queue.FINISH) >= 2


async def _publishes(publish: Publish, outgoing: Sequence[Outgoing] = (*COMMANDS[3:4], *_events(1))) -> bool:
    try:
        await publish(outgoing)
    except BrokerUnavailable:
        return False
    return True


async def test_publishing_raises_in_time_if_the_broker_falls_silent(rabbitmq_url: str) -> None:
    async with open_broker_proxy(rabbitmq_url) as (proxy, url), open_runtime(url, publish_timeout=1) as runtime:
        proxy.hold()
        with pytest.raises(BrokerUnavailable):
            await asyncio.wait_for(runtime.publisher.publish(COMMANDS), IN_TIME)
        proxy.restore()
        await until(lambda: _publishes(runtime.publisher.publish))


async def test_concurrent_publishers_are_all_confirmed(rabbitmq_url: str) -> None:
    async with open_runtime(rabbitmq_url) as runtime:
        await asyncio.gather(*(runtime.publisher.publish([command, *_events(1)]) for command in COMMANDS))
        assert runtime.counted("imagemill_messages_published_total", exchange=COMMANDS_EXCHANGE) == len(COMMANDS)
    assert await waiting_in(rabbitmq_url, Queue.FINISH) == len(COMMANDS)
