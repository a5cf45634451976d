"""Messages are duplicated, reordered, late or lost in every order: the outcome is always the model's."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import aclosing
from dataclasses import replace
from typing import TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from shared.contracts.error_codes import ErrorCode
from shared.contracts.records import Announcement, Image
from shared.contracts.states import ImageState, RequestStatus
from shared.persistence import Database, open_database
from shared.settings import MongoSettings
from tests.fakes import MemoryDatabase, MovableClock
from tests.support.builders import NOW, a_request, an_image
from tests.support.delivery_model import ModelImage, ModelRequest, Result, outcomes
from tests.support.worker_messages import compressed, deferred, failed

T = TypeVar("T")

request_ids = (f"modelled-{number}" for number in itertools.count())
CHOICE = st.integers(0, 10**6)
"""Chooses one of a list whose length is not known in advance."""


class Deliveries(RuleBasedStateMachine):
    """One request of two images. Every message that was ever sent may arrive at any time, any number of times."""

    database: Database
    clock: MovableClock
    run: Callable[[Awaitable[T]], T]

    def __init__(self) -> None:
        super().__init__()
        self.request_id = next(request_ids)
        self.new = [an_image(f"http://images.test/{number}.jpg", self.request_id) for number in range(2)]
        self.model = ModelRequest({image.image_id: ModelImage() for image in self.new})
        self.commands: list[Image] = []  # images as they were when their command was published
        self.unmarked: list[list[Image]] = []
        self.results: list[Result] = []
        self.checked: list[int] = []  # rounds that some process found ready to finish
        self.cancelled: list[int] = []  # rounds that some process found cancelled
        self.known: dict[tuple[str, int], ImageState] = {}
        self.do(self.database.requests.insert(a_request(self.request_id)))
        self.do(self.database.images.insert_many(self.new))

    def do(self, work: Awaitable[T]) -> T:
        return type(self).run(work)

    @rule(is_marked=st.booleans())
    def dispatch(self, is_marked: bool) -> None:
        """Publish what is due; the mark may come later, or never."""
        due = self.do(self.database.images.due(self.request_id, 10))
        assert {image.image_id for image in due} == self.model.waiting
        self.commands += due
        self.unmarked.append(due)
        if is_marked:
            self._mark(due)

    @precondition(lambda self: self.unmarked)
    @rule(choice=CHOICE)
    def mark_late(self, choice: int) -> None:
        self._mark(self.unmarked[choice % len(self.unmarked)])

    def _mark(self, images: list[Image]) -> None:
        self.do(self.database.images.mark_dispatched(images))
        for image in images:
            self.model.images[image.image_id].marked(image)

    @rule()
    def lose_and_dispatch_again(self) -> None:
        """The commonest way to a command whose image has a later run."""
        self.sweep()
        self.dispatch(is_marked=True)

    @precondition(lambda self: self.commands)
    @rule(
        choice=CHOICE,
        arrives=st.booleans(),
        kind=st.sampled_from(["compressed", "failed", "lost", "deferred", "postponed"]),
    )
    def answer(self, choice: int, arrives: bool, kind: str) -> None:
        """A worker answers a command; the broker has delivered it perhaps for the second time."""
        image = self.commands[choice % len(self.commands)]
        run = replace(image, dispatch=image.dispatch + 1)
        answers: dict[str, Result] = {
            "compressed": compressed(run),
            "failed": failed(run),
            "lost": failed(run, error_code=ErrorCode.WORKER_LOST),
            "deferred": deferred(run, delay=0),
            "postponed": deferred(run, delay=0, counts=False),
        }
        self.results.append(answers[kind])
        if arrives:
            self._deliver(answers[kind])

    @precondition(lambda self: self.results)
    @rule(choice=CHOICE)
    def deliver(self, choice: int) -> None:
        """A result arrives, perhaps late, perhaps again."""
        self._deliver(self.results[choice % len(self.results)])

    def _deliver(self, result: Result) -> None:
        recorded = self.do(self.database.images.record(result))
        image = self.model.images[result.image_id]
        if result.round != image.round:
            assert recorded.image is None
            return
        image.result(result)
        assert recorded.image is not None
        assert recorded.image.state is image.state
        ended = image.outcome is not None
        assert recorded.request_complete == (ended and self.model.may_finish and self.model.round == image.round)

    @rule()
    def sweep(self) -> None:
        """No result arrived for the dispatched image."""
        self.clock.advance(1)
        self.do(self.database.images.return_lost(self.clock()))
        for image in self.model.images.values():
            image.lost()

    @rule()
    def record_again(self) -> None:
        """Intake was interrupted, and begins again."""
        self.do(self.database.images.insert_many(self.new))

    @rule(back=st.integers(0, 2))
    def take_in(self, back: int) -> None:
        """Intake of this round, or of an earlier one by a process that is late: move the images, then close."""
        round_ = max(1, self.model.round - back)
        if round_ > 1:
            self.do(self._move(round_))
            self.model.move(round_)
        self._close(round_)

    @precondition(lambda self: self.model.round > 1)
    @rule(back=st.integers(0, 2))
    def move_only(self, back: int) -> None:
        """Intake of a retry is interrupted before it is closed."""
        round_ = max(2, self.model.round - back)
        self.do(self._move(round_))
        self.model.move(round_)

    async def _move(self, round_: int) -> None:
        async with aclosing(self.database.images.retry_failed(self.request_id, round_)) as moved:
            async for _ in moved:
                pass

    def _close(self, round_: int) -> None:
        progress = self.do(self.database.images.count(self.request_id))
        self.do(self.database.requests.close_intake(self.request_id, round_, progress))
        self.model.close_intake(round_)

    @rule()
    def look_whether_it_can_finish(self) -> None:
        none_open = self.do(self.database.images.none_open(self.request_id))
        assert none_open == self.model.none_open
        if self.model.may_finish:
            self.checked.append(self.model.round)

    @precondition(lambda self: self.checked)
    @rule(choice=CHOICE)
    def finish(self, choice: int) -> None:
        """A process that has found the round ready finishes it, perhaps late, perhaps not alone."""
        round_ = self.checked[choice % len(self.checked)]
        now = self.clock()
        request = replace(
            a_request(self.request_id), status=RequestStatus.COMPLETED, round=round_, finished_at=now, updated_at=now
        )
        announcement = Announcement(f"{self.request_id}:{round_}", "request.completed", now, {}, None)
        finished = self.do(self.database.requests.finish(request, announcement))
        assert (finished is not None) == self.model.finish(round_, RequestStatus.COMPLETED)

    @precondition(lambda self: self.model.round < 4)
    @rule(back=st.integers(0, 1))
    def retry(self, back: int) -> None:
        round_ = max(1, self.model.round - back)
        progress = self.do(self.database.images.count(self.request_id))
        begun = self.do(self.database.requests.retry(self.request_id, round_, progress))
        assert (begun is not None) == self.model.retry(round_)

    @rule()
    def cancel(self) -> None:
        assert self.do(self.database.cancellations.begin(self.request_id)) == self.model.cancel()

    @rule()
    def look_for_cancelled_rounds(self) -> None:
        found = self.do(self.database.cancellations.in_progress())
        own = [each.round for each in found if each.request_id == self.request_id]
        assert own == ([self.model.round] if self.model.cancelling else [])
        self.cancelled += own

    @precondition(lambda self: self.cancelled)
    @rule(choice=CHOICE)
    def cancel_images(self, choice: int) -> None:
        """A process that has found the round cancelled ends its images, perhaps late."""
        round_ = self.cancelled[choice % len(self.cancelled)]
        ended = self.do(self.database.cancellations.cancel_images(self.request_id, round_, 10))
        assert ended == self.model.cancel_images(round_)

    @invariant()
    def the_images_are_as_in_the_model(self) -> None:
        found = self.do(self.database.images.find(self.request_id, self.model.images.keys()))
        recorded = {name: (image.state, image.round, image.attempts) for name, image in found.items()}
        assert recorded == {
            name: (image.state, image.round, image.attempts) for name, image in self.model.images.items()
        }

    @invariant()
    def the_request_is_as_in_the_model(self) -> None:
        request = self.do(self.database.requests.get(self.request_id))
        assert request is not None
        assert (request.status, request.round, request.intake_open, request.cancelling) == (
            self.model.status,
            self.model.round,
            self.model.intake_open,
            self.model.cancelling,
        )

    @invariant()
    def no_outcome_changes(self) -> None:
        """Each image has one outcome in each round, and each round finishes once."""
        now = outcomes(self.model.images.items())
        assert {key: state for key, state in self.known.items() if key in now} == {
            key: state for key, state in now.items() if key in self.known
        }
        self.known |= now
        assert len(set(self.model.finishes)) == len(self.model.finishes)


def _check(database: Database, clock: MovableClock, run: Callable[..., object], examples: int, steps: int) -> None:
    machine = type("Connected", (Deliveries,), {"database": database, "clock": clock, "run": staticmethod(run)})
    run_state_machine_as_test(machine, settings=settings(max_examples=examples, stateful_step_count=steps))


def _run_at_once(work: Coroutine[None, None, object]) -> object:
    """Much faster than an event loop; the fake never waits."""
    try:
        work.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("the fake waited")


def test_every_order_of_messages_ends_as_in_the_model_in_memory() -> None:
    clock = MovableClock(NOW)
    _check(MemoryDatabase(clock), clock, _run_at_once, examples=300, steps=40)


def test_every_order_of_messages_ends_as_in_the_model(mongodb_url: str) -> None:
    clock = MovableClock(NOW)
    with asyncio.Runner() as runner:
        opened = open_database(MongoSettings(mongodb_url=mongodb_url), asyncio.Event(), clock)
        database = runner.run(opened.__aenter__())
        try:
            _check(database, clock, runner.run, examples=12, steps=30)
        finally:
            runner.run(opened.__aexit__(None, None, None))
