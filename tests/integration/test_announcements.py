"""Each round is announced, whatever happens between its end and its announcement; on a real database and broker."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from services.aggregator.finish_request import RequestFinisher
from services.gateway.requests import RetryStarter
from shared.contracts.deliveries import Delivery
from shared.contracts.events import PublicEvent
from shared.contracts.messages import FinishRequest
from shared.contracts.states import RequestStatus
from shared.errors import DatabaseUnavailable
from shared.messaging import Queue
from shared.persistence import Database, open_database
from shared.settings import MongoSettings
from tests.fakes import MovableClock
from tests.support.aggregating import a_failed_image, a_finisher, a_product, a_request
from tests.support.builders import REQUEST_ID
from tests.support.messaging_runtime import open_runtime, waiting_in
from tests.support.recording_publisher import RecordingPublisher
from tests.support.subscriber import Subscriber, open_subscriber
from tests.support.waiting import until

FINISH = FinishRequest(request_id=REQUEST_ID, round=1)
EVENT_ID = f"{REQUEST_ID}:1:request.failed"
URL = "http://images.test/1.jpg"


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock(datetime.now(UTC))


@pytest.fixture
async def database(mongodb_url: str, clock: MovableClock) -> AsyncIterator[Database]:
    """With a request that is ready to finish."""
    async with open_database(MongoSettings(mongodb_url=mongodb_url), asyncio.Event(), clock) as database:
        now = clock()
        await database.requests.insert(a_request(webhook_url="http://shop/hook", created_at=now, updated_at=now))
        await database.products.insert_many([a_product(1, URL)])
        await database.images.insert_many([a_failed_image(URL, ended_at=now)])
        yield database


async def retry(database: Database, clock: MovableClock) -> None:
    retries = RetryStarter(database, clock=clock, intake_opened=asyncio.Event())
    assert (await retries.begin(REQUEST_ID)).round == 2


class Gap:
    """Stops the finisher between the end of the round and its announcement: an outage, or the end of its process."""

    def __init__(self, database: Database, monkeypatch: pytest.MonkeyPatch, *, kill: bool) -> None:
        self._reached = asyncio.Event()
        self._kill = kill
        self._database = database
        self._monkeypatch = monkeypatch

    async def _put(self, _: Delivery) -> None:
        self._reached.set()
        if self._kill:
            await asyncio.Event().wait()
        raise DatabaseUnavailable("the test removed it")

    async def run(self, finish: RequestFinisher) -> None:
        """Run `finish` up to the gap."""
        with self._monkeypatch.context() as patch:
            patch.setattr(self._database.deliveries, "put", self._put)
            running = asyncio.create_task(finish(FINISH))
            await self._reached.wait()
            if self._kill:
                running.cancel()
            with suppress(DatabaseUnavailable, asyncio.CancelledError):
                await running


async def check_announced(subscriber: Subscriber, database: Database, rabbitmq_url: str) -> None:
    """The round's event came once with the round's own files, and its webhook is due and requested."""

    async def came() -> bool:
        return EVENT_ID in subscriber.about(REQUEST_ID)

    await until(came, what="the event of the first round came")
    assert len(subscriber.events) == 1
    data: dict[str, Any] = subscriber.about(REQUEST_ID)[EVENT_ID]["data"]
    assert data["round"] == 1
    assert f"/outputs/{REQUEST_ID}/1/" in data["output_csv_url"]
    delivery = await database.deliveries.get(EVENT_ID)
    assert delivery is not None
    assert (delivery.url, delivery.due_at is not None) == ("http://shop/hook", True)
    assert await waiting_in(rabbitmq_url, Queue.WEBHOOKS) == 1


@pytest.mark.parametrize("kill", [False, True], ids=["database fails", "aggregator dies"])
@pytest.mark.parametrize("swept", [False, True], ids=["delivered again", "found by the sweep"])
async def test_a_retry_between_a_finish_and_its_announcement_loses_nothing(
    database: Database,
    clock: MovableClock,
    rabbitmq_url: str,
    monkeypatch: pytest.MonkeyPatch,
    kill: bool,
    swept: bool,
) -> None:
    async with open_runtime(rabbitmq_url) as runtime, open_subscriber(rabbitmq_url) as subscriber:
        finish = a_finisher(database, runtime.publisher.publish)
        await Gap(database, monkeypatch, kill=kill).run(finish)
        await retry(database, clock)

        if swept:
            clock.advance(61)
            (stranded,) = await database.requests.claim_stranded()
            await finish(FinishRequest(request_id=stranded.request_id, round=stranded.round))
        else:
            await finish(FINISH)
        await finish(FINISH)

        await check_announced(subscriber, database, rabbitmq_url)
        request = await database.requests.get(REQUEST_ID)
        assert request is not None
        assert (request.round, request.intake_open, request.announcements) == (2, True, ())


RACES = 200
AT_ONCE = 20


class FreeLease:
    """Excludes nobody, so that only the guards decide."""

    async def acquire(self) -> bool:
        return True

    async def release(self) -> None:
        """Does nothing."""


async def test_of_two_hundred_races_of_two_aggregators_each_ends_and_is_announced_once(
    mongodb_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, stop = MongoSettings(mongodb_url=mongodb_url), asyncio.Event()
    async with open_database(settings, stop) as one, open_database(settings, stop) as other:
        publishers = [RecordingPublisher(), RecordingPublisher()]
        finishers = []
        for database, publisher in zip((one, other), publishers, strict=True):
            monkeypatch.setattr(database, "lease", lambda *_: FreeLease())
            finishers.append(a_finisher(database, publisher.publish))
        names = [f"race-{number:03}" for number in range(RACES)]
        await asyncio.gather(*(one.requests.insert(a_request(request_id=name)) for name in names))
        await one.products.insert_many([replace(a_product(1, URL), request_id=name) for name in names])
        await one.images.insert_many([a_failed_image(URL, request_id=name) for name in names])

        for some in zip(*[iter(names)] * AT_ONCE, strict=True):
            messages = [FinishRequest(request_id=name, round=1) for name in some]
            await asyncio.gather(*(finish(message) for message in messages for finish in finishers))

        for name in names:
            request = await one.requests.get(name)
            assert request is not None
            assert (request.status, request.announcements) == (RequestStatus.FAILED, ())
        sent = [event for publisher in publishers for event in publisher.sent if isinstance(event, PublicEvent)]
        by_id: dict[str, PublicEvent] = {}
        assert all(by_id.setdefault(event.event_id, event) == event for event in sent)
        assert sorted(by_id) == [f"{name}:1:request.failed" for name in names]
