"""Lost connections: messages are delivered again, no handler is interrupted, no worker dies."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import aio_pika
import pytest

from deploy.local.processes import end_leftovers
from deploy.local.servers import Servers
from shared.contracts.messages import CompressImage, Message
from shared.errors import BrokerUnavailable
from shared.messaging import COMMANDS_EXCHANGE, Outgoing, Publisher, Queue, Subscription, list_dead
from shared.messaging.received_message import ReceivedMessage
from tests.support.messaging_runtime import Runtime, is_waiting, open_broker_proxy, open_runtime, waiting_in
from tests.support.recorder import COMMANDS, FOLLOW_UP, Recorder, are_all, downloads
from tests.support.servers import servers_at
from tests.support.tcp_proxy import TcpProxy
from tests.support.waiting import until


@dataclass(frozen=True)
class Cuttable:
    """A runtime that publishes directly, and consumes through a proxy."""

    runtime: Runtime
    proxy: TcpProxy

    def publishing_by(self, publisher: Publisher) -> Runtime:
        return replace(self.runtime, publisher=publisher)


@asynccontextmanager
async def _open_cuttable(url: str) -> AsyncIterator[Cuttable]:
    async with (
        open_broker_proxy(url) as (proxy, proxied_url),
        open_runtime(url) as direct,
        open_runtime(proxied_url) as proxied,
    ):
        yield Cuttable(replace(direct, broker=proxied.broker), proxy)


class CutsOnce(Publisher):
    """Drops the consumer's connection once, after publishing and before the acknowledgement."""

    def __init__(self, publisher: Publisher, proxy: TcpProxy) -> None:
        self._publisher = publisher
        self._proxy = proxy
        self.cuts = 0

    async def publish(self, outgoing: Sequence[Outgoing]) -> None:
        await self._publisher.publish(outgoing)
        if not self.cuts:
            self.cuts += 1
            self._proxy.drop_connections()


async def test_a_connection_lost_before_the_acknowledgement_repeats_message_and_results(
    rabbitmq_url: str,
) -> None:
    handler = Recorder(answer=[FOLLOW_UP])
    async with _open_cuttable(rabbitmq_url) as cuttable:
        publisher = CutsOnce(cuttable.runtime.publisher, cuttable.proxy)
        async with cuttable.publishing_by(publisher).consuming(downloads(handler)):
            await cuttable.runtime.publisher.publish(COMMANDS[:1])
            await until(lambda: handler.handled == [COMMANDS[0]] * 2, what="the second delivery")
            await until(lambda: is_waiting(rabbitmq_url, Queue.COMPRESS, 2))
    assert publisher.cuts == 1
    assert await waiting_in(rabbitmq_url, Queue.DOWNLOAD) == 0


async def test_a_lost_confirm_repeats_the_results_and_loses_none(rabbitmq_url: str) -> None:
    """The broker has stored the result, but its confirm does not arrive, and then the connection is lost."""
    worker = Recorder(answer=[FOLLOW_UP], hold=asyncio.Event())
    async with (
        open_broker_proxy(rabbitmq_url) as (proxy, url),
        open_runtime(rabbitmq_url) as sender,
        open_runtime(url, publish_timeout=1) as runtime,
        runtime.consuming(downloads(worker)),
    ):
        assert worker.hold
        await sender.publisher.publish([COMMANDS[0]])
        await until(lambda: bool(worker.seen))
        proxy.hold_answers()
        worker.hold.set()
        await until(lambda: is_waiting(rabbitmq_url, Queue.COMPRESS, 1), what="the result is stored")
        assert await waiting_in(rabbitmq_url, Queue.DOWNLOAD) == 0, "its command is not acknowledged"
        proxy.drop_connections()
        proxy.restore()

        async def was_repeated() -> bool:
            return len(worker.handled) >= 2 and await waiting_in(rabbitmq_url, Queue.COMPRESS) >= 2

        await until(was_repeated, 30, lambda: f"handled: {len(worker.handled)}")
    assert await waiting_in(rabbitmq_url, Queue.DOWNLOAD) == 0
    assert await list_dead(rabbitmq_url) == []


async def test_a_connection_lost_during_handling_interrupts_no_handler(rabbitmq_url: str) -> None:
    handler = Recorder(hold=asyncio.Event())
    assert handler.hold is not None
    async with _open_cuttable(rabbitmq_url) as cuttable, cuttable.runtime.consuming(downloads(handler)):
        await cuttable.runtime.publisher.publish(COMMANDS)
        await until(lambda: len(handler.seen) == 4)
        in_progress = list(handler.seen)
        cuttable.proxy.drop_connections()
        # All messages return to the queue, which has no consumer until the connection is re-established.
        await until(lambda: is_waiting(rabbitmq_url, Queue.DOWNLOAD, len(COMMANDS)), what="the return of the messages")
        await until(lambda: is_waiting(rabbitmq_url, Queue.DOWNLOAD, len(COMMANDS) - 4), what="a new connection")
        handler.hold.set()
        await until(lambda: are_all(handler.handled))
        await until(lambda: len(handler.handled) == len(COMMANDS) + 4, what="the second delivery of four")
        assert [handler.handled.count(message) for message in in_progress] == [2, 2, 2, 2]
    assert await waiting_in(rabbitmq_url, Queue.DOWNLOAD) == 0
    assert await list_dead(rabbitmq_url) == []


class HoldsTheFirst(Recorder):
    """Finishes every message at once, except the first one that it gets."""

    async def __call__(self, message: Message) -> Sequence[Outgoing]:
        self.seen.append(message)
        if message == self.seen[0] and self.hold is not None:
            await self.hold.wait()
        self.handled.append(message)
        return self.answer


async def test_acknowledgements_of_later_messages_do_not_cover_one_in_progress(rabbitmq_url: str) -> None:
    handler = HoldsTheFirst(hold=asyncio.Event())
    assert handler.hold is not None
    async with _open_cuttable(rabbitmq_url) as cuttable, cuttable.runtime.consuming(downloads(handler)):
        await cuttable.runtime.publisher.publish(COMMANDS)
        await until(lambda: len(handler.handled) == len(COMMANDS) - 1)
        cuttable.proxy.drop_connections()
        await until(lambda: handler.seen.count(handler.seen[0]) == 2, what="the second delivery of the first message")
        handler.hold.set()
        await until(lambda: len(handler.handled) == len(COMMANDS) + 1)
    assert are_all(handler.handled)
    assert await waiting_in(rabbitmq_url, Queue.DOWNLOAD) == 0


async def test_a_stop_acknowledges_what_was_finished(rabbitmq_url: str) -> None:
    handler = Recorder()
    async with open_runtime(rabbitmq_url) as runtime, runtime.consuming(downloads(handler)) as stop:
        await runtime.publisher.publish(COMMANDS)
        await until(lambda: bool(handler.handled))
        stop.set()
    assert await waiting_in(rabbitmq_url, Queue.DOWNLOAD) == len(COMMANDS) - len(handler.handled)


async def test_repeatedly_lost_connections_lose_no_message(rabbitmq_url: str) -> None:
    handler = Recorder(answer=[FOLLOW_UP])
    async with _open_cuttable(rabbitmq_url) as cuttable, cuttable.runtime.consuming(downloads(handler)):
        for number, command in enumerate(COMMANDS):
            await cuttable.runtime.publisher.publish([command])
            if number % 5 == 0:
                await until(lambda: bool(handler.handled))
                cuttable.proxy.drop_connections()
        await until(lambda: are_all(handler.handled), within=30)
        await until(lambda: is_waiting(rabbitmq_url, Queue.DOWNLOAD, 0))
    assert await waiting_in(rabbitmq_url, Queue.DOWNLOAD) == 0


async def test_closed_connections_are_no_failures_of_a_message(rabbitmq_url: str) -> None:
    handler = Recorder(hold=asyncio.Event())
    assert handler.hold is not None
    async with open_runtime(rabbitmq_url) as runtime:
        await runtime.publisher.publish(COMMANDS[:1])
        for _ in range(12):  # more than DEAD_LETTER_AFTER
            async with await aio_pika.connect(rabbitmq_url) as connection:
                channel = await connection.channel()
                queue = await channel.get_queue(Queue.DOWNLOAD, ensure=False)
                assert await queue.get() is not None
            await until(lambda: is_waiting(rabbitmq_url, Queue.DOWNLOAD, 1), what="the return of the message")
        handler.hold.set()
        async with runtime.consuming(downloads(handler)):
            await until(lambda: handler.handled == COMMANDS[:1])
    assert await list_dead(rabbitmq_url) == []


class LosesTheBroker(Publisher):
    """Loses the broker when the first message is to be parked."""

    def __init__(self, publisher: Publisher, proxy: TcpProxy) -> None:
        self._publisher = publisher
        self._proxy = proxy
        self.parked = 0

    async def publish(self, outgoing: Sequence[Outgoing]) -> None:
        await self._publisher.publish(outgoing)

    async def park(self, received: ReceivedMessage, queue: str, reason: str) -> None:
        self.parked += 1
        if self.parked == 1:
            self._proxy.drop_connections()
            await until(lambda: not received.can_be_answered)
            raise BrokerUnavailable("lost")
        await self._publisher.park(received, queue, reason)


async def test_a_worker_survives_an_outage_while_it_parks_a_message(rabbitmq_url: str) -> None:
    handler = Recorder()
    async with _open_cuttable(rabbitmq_url) as cuttable:
        publisher = LosesTheBroker(cuttable.runtime.publisher, cuttable.proxy)
        async with cuttable.publishing_by(publisher).consuming(downloads(handler, concurrency=1)):
            async with await aio_pika.connect(rabbitmq_url) as connection, connection.channel() as channel:
                commands = await channel.get_exchange(COMMANDS_EXCHANGE, ensure=False)
                await commands.publish(aio_pika.Message(b"?", type="Unheard"), Queue.DOWNLOAD)
            await cuttable.runtime.publisher.publish(COMMANDS)
            await until(lambda: len(handler.handled) == len(COMMANDS), within=30)
    assert publisher.parked == 2
    assert [letter.body for letter in await list_dead(rabbitmq_url)] == ["?"]


@pytest.fixture
async def own_servers(tmp_path: Path) -> AsyncIterator[Servers]:
    """Servers for one test: RabbitMQ 3.10 fails if queues are deleted just after its start, as every test does."""
    servers = servers_at(tmp_path)
    try:
        await servers.start()
        yield servers
    finally:
        await servers.stop()
        await end_leftovers(tmp_path, within=15)


async def test_a_broker_restart_loses_no_message(own_servers: Servers) -> None:
    rabbitmq_url = own_servers.rabbitmq_url
    handler = Recorder(answer=[FOLLOW_UP], hold=asyncio.Event())
    compressions = Recorder()
    assert handler.hold is not None
    async with (
        open_runtime(rabbitmq_url, publish_timeout=2) as runtime,
        runtime.consuming(downloads(handler), Subscription(Queue.COMPRESS, (CompressImage,), compressions, 4)),
    ):
        await runtime.publisher.publish(COMMANDS)
        await until(lambda: len(handler.seen) == 4)
        await own_servers.stop_broker()
        handler.hold.set()
        await own_servers.start_broker()
        await until(lambda: are_all(handler.handled), within=30)
        await until(lambda: len(compressions.handled) >= len(COMMANDS), within=30)
        await until(lambda: is_waiting(rabbitmq_url, Queue.DOWNLOAD, 0))
    assert [await waiting_in(rabbitmq_url, queue) for queue in Queue] == [0] * len(Queue)
