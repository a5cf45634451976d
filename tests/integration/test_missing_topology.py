"""Queues, bindings and exchanges that disappear are declared again, and consuming resumes without a restart."""

from collections.abc import Awaitable, Callable

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel

from shared.errors import BrokerUnavailable
from shared.messaging import COMMANDS_EXCHANGE, DEAD_EXCHANGE, EVENTS_EXCHANGE, Queue
from tests.support.messaging_runtime import Runtime, open_broker_proxy, open_runtime
from tests.support.recorder import COMMANDS, Recorder, are_all, downloads
from tests.support.servers import remove_topology
from tests.support.waiting import until

CONSUMING = f"consuming {Queue.DOWNLOAD}"


@pytest.fixture(autouse=True)
def frequent_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    # If a publisher declares a deleted queue again at once, RabbitMQ 3.10 may keep its consumer and deliver nothing.
    monkeypatch.setattr("shared.messaging.sessions.CHECK_SECONDS", 0.5)


async def publishes(runtime: Runtime) -> bool:
    try:
        await runtime.publisher.publish(COMMANDS)
    except BrokerUnavailable:
        return False
    return True


async def _the_queue(channel: AbstractChannel) -> None:
    await channel.queue_delete(Queue.DOWNLOAD)


async def _the_binding(channel: AbstractChannel) -> None:
    queue = await channel.get_queue(Queue.DOWNLOAD, ensure=False)
    await queue.unbind(COMMANDS_EXCHANGE, routing_key=Queue.DOWNLOAD)


async def _the_exchanges(channel: AbstractChannel) -> None:
    for exchange in (COMMANDS_EXCHANGE, EVENTS_EXCHANGE, DEAD_EXCHANGE):
        await channel.exchange_delete(exchange)


async def _everything(channel: AbstractChannel) -> None:
    for queue in Queue:
        await channel.queue_delete(queue)
    await _the_exchanges(channel)


@pytest.mark.parametrize("delete", [_the_queue, _the_binding, _the_exchanges, _everything])
async def test_what_was_deleted_is_declared_again_and_messages_are_handled(
    rabbitmq_url: str, delete: Callable[[AbstractChannel], Awaitable[None]]
) -> None:
    handler = Recorder()
    async with open_runtime(rabbitmq_url) as runtime, runtime.consuming(downloads(handler)):
        async with await aio_pika.connect(rabbitmq_url) as connection, connection.channel() as channel:
            await delete(channel)
        await until(lambda: publishes(runtime), what="publishing")
        await until(lambda: are_all(handler.handled), what="every message")
        await until(lambda: runtime.health.ready, what="ready")


async def test_a_deleted_queue_makes_its_consumer_unready_until_it_consumes_again(rabbitmq_url: str) -> None:
    unready: list[str] = []
    handler = Recorder()
    async with open_runtime(rabbitmq_url) as runtime, runtime.consuming(downloads(handler)):
        record = runtime.health.set_ready

        def set_ready(dependency: str, ready: bool, detail: str = "") -> None:
            if not ready:
                unready.append(f"{dependency}: {detail}")
            record(dependency, ready, detail)

        runtime.health.set_ready = set_ready  # type: ignore[method-assign]
        async with await aio_pika.connect(rabbitmq_url) as connection, connection.channel() as channel:
            await channel.queue_delete(Queue.DOWNLOAD)
        await until(lambda: bool(unready), what="unready")
        await until(lambda: runtime.health.ready, what="ready")
        await runtime.publisher.publish(COMMANDS)
        await until(lambda: are_all(handler.handled))
    assert unready == [f"{CONSUMING}: RabbitMQ ended the consumer of {Queue.DOWNLOAD}"]


async def test_a_broker_that_comes_back_empty_needs_no_restart(rabbitmq_url: str) -> None:
    handler = Recorder()
    async with (
        open_broker_proxy(rabbitmq_url) as (proxy, url),
        open_runtime(url, publish_timeout=2) as runtime,
        runtime.consuming(downloads(handler)),
    ):
        proxy.cut()
        await until(lambda: not runtime.health.ready, what="unready")
        await remove_topology(rabbitmq_url)
        proxy.restore()
        await until(lambda: runtime.health.ready, what="ready")
        await until(lambda: publishes(runtime), what="publishing")
        await until(lambda: are_all(handler.handled), what="every message")
