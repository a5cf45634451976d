"""Probes over a real broker: each gateway gets its own answers, and a lost connection or nobody there ends in time."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import aio_pika
import pytest
from aiormq.exceptions import ChannelLockedResource

from services.gateway.probe.client import Prober, Unanswered
from shared.contracts.messages import FetchBounds, ImagesProbed, ProbedImage, ProbeImages
from shared.messaging import Queue, Replies, Reply, Subscription, list_dead
from shared.messaging.topology import COMMANDS_EXCHANGE
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
class AGateway:
    prober: Prober
    replies: Replies

    async def said(self, batches: Sequence[tuple[str, ...]] = BATCHES) -> list[str | Unanswered]:
        """The URLs that were answered, and what was not."""
        said: list[str | Unanswered] = []
        async for told in self.prober.answers(batches):
            said += [told] if isinstance(told, Unanswered) else [image.url for image in told.images]
        return said


@asynccontextmanager
async def a_gateway(url: str, seconds: float = 15) -> AsyncIterator[AGateway]:
    prober = Prober(seconds, lambda: datetime.now(UTC))
    async with open_runtime(url) as runtime, Replies.open(runtime.broker) as replies:
        with prober.connected(runtime.publisher.publish, replies):
            yield AGateway(prober, replies)


def all_of(batches: Sequence[tuple[str, ...]]) -> set[str]:
    return {url for batch in batches for url in batch}


async def test_two_gateways_get_each_their_own_answers(rabbitmq_url: str) -> None:
    async with (
        a_gateway(rabbitmq_url) as one,
        a_gateway(rabbitmq_url) as other,
        open_runtime(rabbitmq_url) as downloader,
        downloader.consuming(PROBES),
    ):
        assert one.replies.queue != other.replies.queue
        answered = await asyncio.gather(one.said(BATCHES[:5]), other.said(BATCHES[3:]), one.said(BATCHES[8:]))
    assert [set(said) for said in answered] == [all_of(BATCHES[:5]), all_of(BATCHES[3:]), all_of(BATCHES[8:])]
    assert await waiting_in(rabbitmq_url, Queue.PROBE) == 0


async def test_without_a_downloader_the_deadline_ends_it_and_nothing_is_parked(rabbitmq_url: str) -> None:
    async with a_gateway(rabbitmq_url, seconds=0.5) as gateway:
        [said] = await gateway.said(BATCHES[:1])
        assert said == Unanswered(BATCHES[0], "no downloader answered within 0.5 seconds")
        # The gateway is gone when a downloader comes: its answer has nowhere to go, and nobody minds.
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
        assert set(await gateway.said()) == all_of(BATCHES)
        lost = gateway.replies.queue
        proxy.drop_connections()
        await until(lambda: answers_again(gateway), within=30, what="an answer over a new connection")
        assert set(await gateway.said()) == all_of(BATCHES)
        assert gateway.replies.queue != lost, "the broker may not know yet that the old one's connection is gone"


async def answers_again(gateway: AGateway) -> bool:
    try:
        async with asyncio.timeout(1):
            return not any(isinstance(said, Unanswered) for said in await gateway.said(BATCHES[:1]))
    except TimeoutError:
        return False


async def test_while_the_broker_is_away_the_gateway_says_so_in_time(rabbitmq_url: str) -> None:
    async with (
        open_broker_proxy(rabbitmq_url) as (proxy, proxied_url),
        a_gateway(proxied_url, seconds=1) as gateway,
    ):
        proxy.cut()
        [said] = await gateway.said(BATCHES[:1])
        assert isinstance(said, Unanswered)
        assert said.urls == BATCHES[0]
        proxy.restore()


async def test_nobody_else_may_read_the_replies(rabbitmq_url: str) -> None:
    async with a_gateway(rabbitmq_url) as gateway, await aio_pika.connect(rabbitmq_url) as stranger:
        channel = await stranger.channel()
        with pytest.raises(ChannelLockedResource):
            await channel.declare_queue(gateway.replies.queue, passive=True)


async def test_what_is_no_command_is_dropped_and_a_strange_reply_harms_nobody(rabbitmq_url: str) -> None:
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
        assert set(await gateway.said()) == all_of(BATCHES)
    assert await list_dead(rabbitmq_url) == []
