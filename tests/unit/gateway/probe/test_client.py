"""The gateway's questions to the downloaders, and what it makes of their answers or their silence."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from datetime import timedelta
from itertools import chain

import pytest

from services.gateway.probe.client import Prober, Unanswered
from shared.contracts.messages import FetchBounds, ImagesProbed, ProbedImage, ProbeImages
from shared.errors import BrokerUnavailable
from shared.messaging import Outgoing, Replies
from tests.fakes.clock import MovableClock
from tests.support.builders import NOW
from tests.support.waiting import until

BATCHES: list[tuple[str, ...]] = [
    (f"http://h{number}.test/1.jpg", f"http://h{number}.test/2.jpg") for number in range(80)
]
BOUNDS = FetchBounds(at_once=10, per_host=2)
SECONDS = 30.0


def an_answer(command: ProbeImages) -> ImagesProbed:
    images = tuple(ProbedImage(url=url, content_type="image/png", size=7, ms=3) for url in command.urls)
    return ImagesProbed(probe_id=command.probe_id, images=images, bounds=BOUNDS)


class Line:
    """A broker with a downloader behind it that answers as `respond` does."""

    def __init__(self, respond: Callable[["Line", ProbeImages], None] | None = None) -> None:
        self.replies = Replies(ImagesProbed, lambda reply: reply.probe_id, "mine")
        self.commands: list[ProbeImages] = []
        self._respond = respond

    async def publish(self, outgoing: Sequence[Outgoing]) -> None:
        for command in outgoing:
            assert isinstance(command, ProbeImages)
            self.commands.append(command)
            if self._respond:
                self._respond(self, command)


def answering(line: Line, command: ProbeImages) -> None:
    line.replies.deliver(an_answer(command))


async def said(
    line: Line, batches: Sequence[tuple[str, ...]] = BATCHES, seconds: float = SECONDS
) -> list[ImagesProbed | Unanswered]:
    prober = Prober(seconds, MovableClock(NOW))
    with prober.connected(line.publish, line.replies):
        return [answer async for answer in prober.answers(batches)]


def urls_of(answers: Sequence[ImagesProbed | Unanswered]) -> list[str]:
    return [image.url for answer in answers if isinstance(answer, ImagesProbed) for image in answer.images]


async def test_each_url_is_asked_for_and_answered_once() -> None:
    line = Line(answering)
    answers = await said(line)
    assert urls_of(answers) == list(chain(*BATCHES))
    assert [command.urls for command in line.commands] == BATCHES
    assert {command.reply_to for command in line.commands} == {"mine"}
    assert {command.answer_by for command in line.commands} == {NOW + timedelta(seconds=SECONDS)}
    assert len({command.probe_id for command in line.commands}) == 1


async def test_a_second_answer_to_the_same_command_says_nothing_new() -> None:
    def twice(line: Line, command: ProbeImages) -> None:
        answering(line, command)
        answering(line, command)

    assert urls_of(await said(Line(twice))) == list(chain(*BATCHES))


async def test_urls_that_nobody_asked_for_are_not_passed_on() -> None:
    def stranger(line: Line, command: ProbeImages) -> None:
        odd = an_answer(command.model_copy(update={"urls": ("http://elsewhere.test/",)}))
        line.replies.deliver(odd)
        line.replies.deliver(odd.model_copy(update={"probe_id": "another"}))
        answering(line, command)

    assert urls_of(await said(Line(stranger))) == list(chain(*BATCHES))


async def test_commands_are_sent_as_answers_come() -> None:
    line = Line()
    prober = Prober(SECONDS, MovableClock(NOW))
    with prober.connected(line.publish, line.replies):
        async with aclosing(prober.answers(BATCHES)) as answers:
            first = asyncio.ensure_future(anext(answers))
            await until(lambda: bool(line.commands))
            at_once = len(line.commands)
            assert 1 < at_once < len(BATCHES)
            line.replies.deliver(an_answer(line.commands[0]))
            await first
            second = asyncio.ensure_future(anext(answers))
            await until(lambda: len(line.commands) == at_once + 1)
            second.cancel()  # the client hangs up
            with pytest.raises(asyncio.CancelledError):
                await second
        assert len(line.commands) == at_once + 1


async def test_silence_is_an_answer_in_the_end() -> None:
    def one_in_two(line: Line, command: ProbeImages) -> None:
        if BATCHES.index(command.urls) % 2:
            answering(line, command)

    *answers, last = await said(Line(one_in_two), BATCHES[:6], seconds=0.1)
    assert urls_of(answers) == list(chain(*BATCHES[1:6:2]))
    assert last == Unanswered(tuple(chain(*BATCHES[0:6:2])), "no downloader answered within 0.1 seconds")


async def test_a_broker_that_hangs_is_not_waited_for() -> None:
    async def never(_: Sequence[Outgoing]) -> None:
        await asyncio.Event().wait()

    [answer] = await _said_through(never, 0.1)
    assert answer == Unanswered(BATCHES[0], "no downloader answered within 0.1 seconds")


async def test_a_broker_that_refuses_is_told() -> None:
    async def lost(_: Sequence[Outgoing]) -> None:
        raise BrokerUnavailable("gone")

    [answer] = await _said_through(lost, SECONDS)
    assert answer == Unanswered(BATCHES[0], "RabbitMQ does not take the question to a downloader")


async def _said_through(
    publish: Callable[[Sequence[Outgoing]], Awaitable[None]], seconds: float
) -> list[ImagesProbed | Unanswered]:
    prober = Prober(seconds, MovableClock(NOW))
    with prober.connected(publish, Replies(ImagesProbed, lambda reply: reply.probe_id, "mine")):
        return [answer async for answer in prober.answers(BATCHES[:1])]


async def test_a_gateway_that_stops_says_so_at_once() -> None:
    line = Line()
    prober = Prober(SECONDS, MovableClock(NOW))
    with prober.connected(line.publish, line.replies):
        asking = asyncio.ensure_future(anext(prober.answers(BATCHES[:1])))
        await until(lambda: bool(line.commands))
        line.replies.close()
        assert await asking == Unanswered(BATCHES[0], "the gateway is stopping")


async def test_without_a_line_nothing_is_asked() -> None:
    prober = Prober(SECONDS, MovableClock(NOW))
    line = Line(answering)
    with prober.connected(line.publish, line.replies):
        pass
    assert [answer async for answer in prober.answers(BATCHES[:1])] == [
        Unanswered(BATCHES[0], "the gateway is not connected to RabbitMQ")
    ]
    assert not line.commands


async def test_no_urls_are_no_questions() -> None:
    line = Line(answering)
    assert await said(line, []) == []
    assert not line.commands
