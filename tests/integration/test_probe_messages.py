"""Probes over a real broker: each gateway gets its own replies, and every probe ends in time."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import aio_pika
import pytest
from aiormq.exceptions import ChannelLockedResource

from services.gateway.probe import ProbeClient, Unanswered, probe_replies
from shared.contracts.messages import FetchBounds, ImagesProbed, ProbedImage, ProbeImages
from shared.errors import BrokerUnavailable
from shared.messaging import COMMANDS_EXCHANGE, Queue, Replies, Reply, Subscription, list_dead
from tests.support.messaging_runtime import is_waiting, open_broker_proxy, open_runtime, waiting_in
from tests.support.waiting import until

BOUNDS = FetchBounds(at_once=10, per_host=2)
BATCHES: list[tuple[str, ...]] = [
    (f"http://h{number}.test/1.jpg", f"http://h{number}.test/2.jpg") for number in range(9)
]


async def answer(command: ProbeImages) -> Sequence[Reply]:
    images = tuple(ProbedImage(url=url, content_type="image/png", size=7, ms=3) for url in command.urls)
    return [Reply(command.reply_to, ImagesProbed(probe_id=command.probe_id, images=images, bounds=BOUNDS))]


PROBES = Subscription(Queue.PROBE, (ProbeImages,), answer, 2, park_unknown=False)


@dataclass
class ProbingGateway:
    probe_client: ProbeClient
    replies: Replies[ImagesProbed]

    def can_be_answered(self) -> bool:
        try:
            return bool(self.replies.queue)
        except BrokerUnavailable:
            return False

    async def probe(self, batches: Sequence[tuple[str, ...]] = BATCHES) -> list[str | Unanswered]:
        """The URLs that were answered, and those that were not."""
        results: list[str | Unanswered] = []
        async for answer in self.probe_client.probe(batches):
            results += [answer] if isinstance(answer, Unanswered) else [image.url for image in answer.images]
        return results


@asynccontextmanager
async def a_gateway(url: str, seconds: float = 15) -> AsyncIterator[ProbingGateway]:
    probe_client = ProbeClient(seconds, lambda: datetime.now(UTC))
    stop, replies = asyncio.Event(), probe_replies()
    async with open_runtime(url) as runtime, asyncio.TaskGroup() as tasks:
        tasks.create_task(replies.receive(runtime.broker, runtime.health, stop))
        gateway = ProbingGateway(probe_client, replies)
        await until(gateway.can_be_answered, what="a queue for replies")
        with probe_client.connected(runtime.publisher.publish, replies):
            yield gateway
        stop.set()


def all_of(batches: Sequence[tuple[str, ...]]) -> set[str]:
    return {url for batch in batches for url in batch}


async def test_each_gateway_gets_its_own_replies(rabbitmq_url: str) -> None:
    async with (
        a_gateway(rabbitmq_url) as one,
        a_gateway(rabbitmq_url) as other,
        open_runtime(rabbitmq_url) as downloader,
        downloader.consuming(PROBES),
    ):
        assert one.replies.queue != other.replies.queue
        answered = await asyncio.gather(one.probe(BATCHES[:5]), other.probe(BATCHES[3:]), one.probe(BATCHES[8:]))
    assert [set(urls) for urls in answered] == [all_of(BATCHES[:5]), all_of(BATCHES[3:]), all_of(BATCHES[8:])]
    assert await waiting_in(rabbitmq_url, Queue.PROBE) == 0


async def test_without_a_downloader_the_deadline_ends_a_probe_and_nothing_is_parked(rabbitmq_url: str) -> None:
    async with a_gateway(rabbitmq_url, seconds=0.5) as gateway:
        [result] = await gateway.probe(BATCHES[:1])
        assert result == Unanswered(BATCHES[0], "no downloader answered within 0.5 seconds")
        # The gateway stops before a downloader starts: the reply has no queue and is dropped.
    async with open_runtime(rabbitmq_url) as downloader, downloader.consuming(PROBES):
        await until(lambda: is_waiting(rabbitmq_url, Queue.PROBE, 0))
        handled = {"queue": Queue.PROBE, "outcome": "handled"}
        await until(lambda: downloader.counted("imagemill_messages_handled_total", **handled) == 1)
        assert downloader.gate.is_open
    assert await list_dead(rabbitmq_url) == []


async def test_the_reply_queue_comes_back_after_a_lost_connection(rabbitmq_url: str) -> None:
    async with (
        open_broker_proxy(rabbitmq_url) as (proxy, proxied_url),
        a_gateway(proxied_url) as gateway,
        open_runtime(rabbitmq_url) as downloader,
        downloader.consuming(PROBES),
    ):
        assert set(await gateway.probe()) == all_of(BATCHES)
        lost = gateway.replies.queue
        proxy.drop_connections()
        await until(lambda: answers_again(gateway), within=30, what="a reply over a new connection")
        assert set(await gateway.probe()) == all_of(BATCHES)
        assert gateway.replies.queue != lost, "the broker may still consider the old connection alive"


async def test_replies_arrive_again_after_their_exchange_was_deleted(
    rabbitmq_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.messaging.sessions.CHECK_SECONDS", 0.5)
    async with (
        a_gateway(rabbitmq_url) as gateway,
        open_runtime(rabbitmq_url) as downloader,
        downloader.consuming(PROBES),
    ):
        async with await aio_pika.connect(rabbitmq_url) as connection, connection.channel() as channel:
            await channel.exchange_delete(COMMANDS_EXCHANGE)
        await until(lambda: answers_again(gateway), within=30, what="a reply through the new exchange")
        assert set(await gateway.probe()) == all_of(BATCHES)


async def answers_again(gateway: ProbingGateway) -> bool:
    try:
        async with asyncio.timeout(1):
            return not any(isinstance(result, Unanswered) for result in await gateway.probe(BATCHES[:1]))
    except TimeoutError:
        return False


async def test_a_probe_ends_in_time_while_the_broker_is_unreachable(rabbitmq_url: str) -> None:
    async with (
        open_broker_proxy(rabbitmq_url) as (proxy, proxied_url),
        a_gateway(proxied_url, seconds=1) as gateway,
    ):
        proxy.cut()
        [result] = await gateway.probe(BATCHES[:1])
        assert isinstance(result, Unanswered)
        assert result.urls == BATCHES[0]
        proxy.restore()


async def test_no_other_connection_can_read_the_replies(rabbitmq_url: str) -> None:
    async with a_gateway(rabbitmq_url) as gateway, await aio_pika.connect(rabbitmq_url) as stranger:
        channel = await stranger.channel()
        with pytest.raises(ChannelLockedResource):
            await channel.declare_queue(gateway.replies.queue, passive=True)


async def test_undecodable_commands_and_replies_are_dropped(rabbitmq_url: str) -> None:
    async with (
        a_gateway(rabbitmq_url) as gateway,
        open_runtime(rabbitmq_url) as downloader,
        downloader.consuming(PROBES),
        await aio_pika.connect(rabbitmq_url) as connection,
        connection.channel() as channel,
    ):
        exchange = await channel.get_exchange(COMMANDS_EXCHANGE, ensure=False)
        for queue in (Queue.PROBE, gateway.replies.queue):
            await exchange.publish(aio_pika.Message(b"nonsense", type="ProbeImages"), queue)
        assert set(await gateway.probe()) == all_of(BATCHES)
    assert await list_dead(rabbitmq_url) == []
