"""The gateway sends probes to the downloaders, and ends each with replies or a reason why there is none."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from datetime import timedelta
from itertools import chain

import pytest

from services.gateway.probe.client import ProbeClient, Unanswered
from shared.contracts.messages import FetchBounds, ImagesProbed, ProbedImage, ProbeImages
from shared.errors import BrokerUnavailable
from shared.messaging import Outgoing, Replies
from tests.fakes import MovableClock
from tests.support.builders import NOW
from tests.support.waiting import until

BATCHES: list[tuple[str, ...]] = [
    (f"http://h{number}.test/1.jpg", f"http://h{number}.test/2.jpg") for number in range(80)
]
BOUNDS = FetchBounds(at_once=10, per_host=2)
SECONDS = 30.0


def a_reply(command: ProbeImages) -> ImagesProbed:
    images = tuple(ProbedImage(url=url, content_type="image/png", size=7, ms=3) for url in command.urls)
    return ImagesProbed(probe_id=command.probe_id, images=images, bounds=BOUNDS)


class FakeBroker:
    """A broker with one downloader, which `respond`s to each command."""

    def __init__(self, respond: Callable[["FakeBroker", ProbeImages], None] | None = None) -> None:
        self.replies = Replies(ImagesProbed, lambda reply: reply.probe_id, "mine")
        self.commands: list[ProbeImages] = []
        self._respond = respond

    async def publish(self, outgoing: Sequence[Outgoing]) -> None:
        for command in outgoing:
            assert isinstance(command, ProbeImages)
            self.commands.append(command)
            if self._respond:
                self._respond(self, command)


def reply_to(broker: FakeBroker, command: ProbeImages) -> None:
    broker.replies.deliver(a_reply(command))


async def probe(
    broker: FakeBroker, batches: Sequence[tuple[str, ...]] = BATCHES, seconds: float = SECONDS
) -> list[ImagesProbed | Unanswered]:
    probe_client = ProbeClient(seconds, MovableClock(NOW))
    with probe_client.connected(broker.publish, broker.replies):
        return [reply async for reply in probe_client.probe(batches)]


def urls_of(replies: Sequence[ImagesProbed | Unanswered]) -> list[str]:
    return [image.url for reply in replies if isinstance(reply, ImagesProbed) for image in reply.images]


async def test_each_url_is_probed_once() -> None:
    broker = FakeBroker(reply_to)
    replies = await probe(broker)
    assert urls_of(replies) == list(chain(*BATCHES))
    assert [command.urls for command in broker.commands] == BATCHES
    assert {command.reply_to for command in broker.commands} == {"mine"}
    assert {command.answer_by for command in broker.commands} == {NOW + timedelta(seconds=SECONDS)}
    assert len({command.probe_id for command in broker.commands}) == 1


async def test_a_second_reply_to_the_same_command_is_ignored() -> None:
    def reply_twice(broker: FakeBroker, command: ProbeImages) -> None:
        reply_to(broker, command)
        reply_to(broker, command)

    assert urls_of(await probe(FakeBroker(reply_twice))) == list(chain(*BATCHES))


async def test_replies_about_other_urls_or_other_probes_are_ignored() -> None:
    def reply_after_unrelated_replies(broker: FakeBroker, command: ProbeImages) -> None:
        odd = a_reply(command.model_copy(update={"urls": ("http://elsewhere.test/",)}))
        broker.replies.deliver(odd)
        broker.replies.deliver(odd.model_copy(update={"probe_id": "another"}))
        reply_to(broker, command)

    assert urls_of(await probe(FakeBroker(reply_after_unrelated_replies))) == list(chain(*BATCHES))


async def test_further_commands_are_sent_as_replies_arrive() -> None:
    broker = FakeBroker()
    probe_client = ProbeClient(SECONDS, MovableClock(NOW))
    with probe_client.connected(broker.publish, broker.replies):
        async with aclosing(probe_client.probe(BATCHES)) as replies:
            first = asyncio.ensure_future(anext(replies))
            await until(lambda: bool(broker.commands))
            at_once = len(broker.commands)
            assert 1 < at_once < len(BATCHES)
            broker.replies.deliver(a_reply(broker.commands[0]))
            await first
            second = asyncio.ensure_future(anext(replies))
            await until(lambda: len(broker.commands) == at_once + 1)
            second.cancel()  # the client hangs up
            with pytest.raises(asyncio.CancelledError):
                await second
        assert len(broker.commands) == at_once + 1


async def test_urls_without_a_reply_are_unanswered_after_the_timeout() -> None:
    def one_in_two(broker: FakeBroker, command: ProbeImages) -> None:
        if BATCHES.index(command.urls) % 2:
            reply_to(broker, command)

    *replies, last = await probe(FakeBroker(one_in_two), BATCHES[:6], seconds=0.1)
    assert urls_of(replies) == list(chain(*BATCHES[1:6:2]))
    assert last == Unanswered(tuple(chain(*BATCHES[0:6:2])), "no downloader answered within 0.1 seconds")


async def test_the_timeout_includes_publishing() -> None:
    async def never(_: Sequence[Outgoing]) -> None:
        await asyncio.Event().wait()

    [result] = await _probe_through(never, 0.1)
    assert result == Unanswered(BATCHES[0], "no downloader answered within 0.1 seconds")


async def test_a_lost_broker_is_reported() -> None:
    async def lost(_: Sequence[Outgoing]) -> None:
        raise BrokerUnavailable("gone")

    [result] = await _probe_through(lost, SECONDS)
    assert result == Unanswered(BATCHES[0], "RabbitMQ did not accept the probe")


async def _probe_through(
    publish: Callable[[Sequence[Outgoing]], Awaitable[None]], seconds: float
) -> list[ImagesProbed | Unanswered]:
    probe_client = ProbeClient(seconds, MovableClock(NOW))
    with probe_client.connected(publish, Replies(ImagesProbed, lambda reply: reply.probe_id, "mine")):
        return [reply async for reply in probe_client.probe(BATCHES[:1])]


async def test_a_stopping_gateway_ends_the_probe_at_once() -> None:
    broker = FakeBroker()
    probe_client = ProbeClient(SECONDS, MovableClock(NOW))
    with probe_client.connected(broker.publish, broker.replies):
        waiting = asyncio.ensure_future(anext(probe_client.probe(BATCHES[:1])))
        await until(lambda: bool(broker.commands))
        broker.replies.close()
        assert await waiting == Unanswered(BATCHES[0], "the gateway is stopping")


async def test_without_a_connection_nothing_is_sent() -> None:
    probe_client = ProbeClient(SECONDS, MovableClock(NOW))
    broker = FakeBroker(reply_to)
    with probe_client.connected(broker.publish, broker.replies):
        pass
    assert [reply async for reply in probe_client.probe(BATCHES[:1])] == [
        Unanswered(BATCHES[0], "the gateway is not connected to RabbitMQ")
    ]
    assert not broker.commands


async def test_without_urls_nothing_is_sent() -> None:
    broker = FakeBroker(reply_to)
    assert await probe(broker, []) == []
    assert not broker.commands
