"""The dispatcher after outages of ours that were longer than IMAGE_MAX_AGE, on a real database: no image has aged."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from services.aggregator.host_circuit_breaker import HostCircuitBreaker
from services.aggregator.pause_policy import PausePolicy
from shared.contracts.error_codes import ErrorCode
from shared.contracts.messages import ImageDeferred, ImageFailed
from shared.contracts.records import HostCircuit
from shared.persistence import Database, open_database
from shared.settings import ImageAgeSettings, MongoSettings
from tests.fakes import MovableClock
from tests.support.builders import NOW, a_request, an_image
from tests.support.dispatching import Dispatching
from tests.support.recording_publisher import RecordingPublisher
from tests.support.worker_messages import compressed, failed

MAX_AGE = timedelta(hours=1)
AGE = ImageAgeSettings(image_max_age=MAX_AGE.total_seconds())
CIRCUIT = HostCircuit(
    "sick.test", 10, 1, NOW + timedelta(minutes=1), ErrorCode.CONNECT, paused_since=NOW, last_fault_at=NOW
)
TRIED = an_image("http://well.test/tried", "r1", deadline=NOW + MAX_AGE)


class Stage:
    """A dispatcher over a real database, and the time."""

    def __init__(self, database: Database, clock: MovableClock) -> None:
        self.database = database
        self.clock = clock
        self.publisher = RecordingPublisher()
        self._dispatcher = Dispatching(database, self.publisher, clock, age=AGE)

    async def pass_time(self, time: timedelta, *, steps: bool) -> None:
        """With or without a step in each minute; a step at the end."""
        for _ in range(int(time / timedelta(minutes=1)) if steps else 0):
            self.clock.advance(60)
            await self._dispatcher.step()
        if not steps:
            self.clock.advance(time.total_seconds())
        await self._dispatcher.step()

    async def host_fails(self, known: HostCircuit) -> HostCircuit:
        """A try-out of the host fails now."""
        now = self.clock()
        circuit = replace(known, paused_until=now + timedelta(minutes=2), last_fault_at=now)
        assert await self.database.hosts.save(circuit, instead_of=known)
        return circuit

    def failures(self) -> list[str]:
        return [each.image_id for each in self.publisher.sent if isinstance(each, ImageFailed)]

    def last_tries(self) -> dict[str, bool]:
        return {command.image_id: command.last for command in self.publisher.downloads()}


@pytest.fixture
async def stage(mongodb_url: str) -> AsyncIterator[Stage]:
    clock = MovableClock(NOW)
    async with open_database(MongoSettings(mongodb_url=mongodb_url), asyncio.Event(), clock) as database:
        await database.requests.insert(a_request("r1"))
        yield Stage(database, clock)


async def test_images_at_a_failing_host_do_not_age_while_nothing_is_dispatched(stage: Stage) -> None:
    untried = an_image("http://sick.test/untried", "r1")
    tried = an_image("http://sick.test/tried", "r1", deadline=NOW + MAX_AGE)
    await stage.database.images.insert_many([untried, tried])
    await stage.database.hosts.save(CIRCUIT, instead_of=None)
    await stage.pass_time(timedelta(0), steps=False)
    stage.clock.advance(2 * MAX_AGE.total_seconds())
    circuit = await stage.host_fails(CIRCUIT)
    await stage.pass_time(timedelta(0), steps=False)
    assert stage.failures() == []

    for _ in range(61):
        circuit = await stage.host_fails(circuit)
        await stage.pass_time(timedelta(minutes=1), steps=True)
    assert set(stage.failures()) == {untried.image_id, tried.image_id}, "the host failed for the whole age since then"


@pytest.mark.parametrize("dispatching", [False, True], ids=["nothing is dispatched", "no worker answers"])
async def test_the_first_try_after_an_outage_is_not_the_last_one(stage: Stage, dispatching: bool) -> None:
    first = an_image("http://well.test/first", "r1")
    await stage.database.images.insert_many([first])
    await stage.pass_time(timedelta(0), steps=False)
    await stage.pass_time(2 * MAX_AGE, steps=dispatching)
    await stage.database.images.insert_many([TRIED])
    await stage.database.images.record(compressed(first))
    await stage.pass_time(timedelta(minutes=1), steps=True)
    assert stage.last_tries()[TRIED.image_id] is False


@pytest.mark.parametrize("outage", [True, False], ids=["in an outage", "while images were processed"])
async def test_a_failure_after_the_deadline_is_final_only_if_the_image_aged(stage: Stage, outage: bool) -> None:
    """The result waits in the queue until the outage is over, and the host fails then."""
    await stage.database.images.insert_many([TRIED])
    await stage.pass_time(timedelta(0), steps=False)
    await stage.database.images.mark_dispatched([TRIED])
    if outage:
        stage.clock.advance(2 * MAX_AGE.total_seconds())
    else:
        await stage.database.images.record(compressed(TRIED))
        await stage.pass_time(2 * MAX_AGE, steps=True)
        await stage.database.images.insert_many([replace(TRIED, request_id="r2")])
    breaker = HostCircuitBreaker(stage.database, PausePolicy(1, 30, 900, lambda: 0.0), AGE, stage.clock)
    image = TRIED if outage else replace(TRIED, request_id="r2")
    result = await breaker.register_fault(failed(image, error_code=ErrorCode.CONNECT, host_fault=True))
    assert isinstance(result, ImageDeferred if outage else ImageFailed)


async def test_a_try_after_the_deadline_is_the_last_one_without_an_outage(stage: Stage) -> None:
    await stage.pass_time(MAX_AGE + timedelta(minutes=1), steps=True)
    await stage.database.images.insert_many([TRIED])
    await stage.pass_time(timedelta(minutes=1), steps=True)
    assert stage.last_tries()[TRIED.image_id] is True
