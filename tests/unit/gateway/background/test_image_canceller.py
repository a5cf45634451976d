"""The images of cancelled rounds end in short steps; then the request is finished."""

from datetime import timedelta

import pytest
from prometheus_client import CollectorRegistry

from services.gateway.background.failing_items import FailingItems
from services.gateway.background.image_canceller import ImageCanceller, drop_rounds
from services.gateway.background.parts import BackgroundParts
from services.gateway.settings import DispatchSettings
from shared.contracts.messages import DropRounds, FinishRequest
from shared.contracts.records import CancelledRound
from shared.contracts.states import ImageState
from shared.errors import BrokerUnavailable
from shared.messaging import Broadcast
from shared.observability import Metrics
from shared.persistence import RenewableLease
from tests.fakes import MemoryDatabase, MovableClock
from tests.support.builders import NOW, a_request, an_announcement, an_image, finished
from tests.support.recording_publisher import RecordingPublisher

MANY = 11_000
FINISH = FinishRequest(request_id="a", round=1)


class _Fixture:
    def __init__(self) -> None:
        self.database = MemoryDatabase(MovableClock(NOW))
        self.publisher = RecordingPublisher()
        self.canceller = self.a_process(self.database)

    def a_process(self, database: MemoryDatabase) -> ImageCanceller:
        parts = BackgroundParts(database, self.publisher.publish, lambda: NOW, Metrics(CollectorRegistry()))
        return ImageCanceller(parts, RenewableLease(database.lease("dispatch", 15), 15), DispatchSettings())

    async def insert(self, request_id: str = "a", images: int = 3, *, intake_open: bool = False) -> None:
        await self.database.requests.insert(a_request(request_id, intake_open=intake_open))
        await self.database.images.insert_many(
            [an_image(f"http://images.test/{number}.jpg", request_id) for number in range(images)]
        )

    def finishes(self) -> list[FinishRequest]:
        return [item for item in self.publisher.sent if isinstance(item, FinishRequest)]

    def to_drop(self) -> list[tuple[str, int, float]]:
        """The rounds that were broadcast: request, round and seconds."""
        broadcasts = [item.message for item in self.publisher.sent if isinstance(item, Broadcast)]
        return [
            (each.request_id, each.round, each.seconds)
            for message in broadcasts
            if isinstance(message, DropRounds)
            for each in message.rounds
        ]

    async def cancelled(self, request_id: str = "a") -> int:
        return (await self.database.images.count(request_id)).cancelled


@pytest.fixture
def fixture() -> _Fixture:
    return _Fixture()


async def test_without_cancelled_requests_nothing_happens(fixture: _Fixture) -> None:
    await fixture.insert()
    assert await fixture.canceller.step() > 0
    assert await fixture.cancelled() == 0
    assert fixture.publisher.sent == []


async def test_many_images_end_in_several_steps_without_a_pause_and_the_request_is_finished_once(
    fixture: _Fixture,
) -> None:
    await fixture.insert(images=MANY)
    await fixture.database.cancellations.begin("a")
    steps = 0
    while await fixture.canceller.step() == 0:
        steps += 1
    assert steps >= 3
    assert await fixture.cancelled() == MANY
    assert fixture.finishes() == [FINISH]
    assert await fixture.canceller.step() > 0
    assert fixture.finishes() == [FINISH]


async def test_during_intake_the_images_end_and_the_request_is_not_finished_yet(fixture: _Fixture) -> None:
    await fixture.insert(intake_open=True)
    await fixture.database.cancellations.begin("a")
    await fixture.canceller.step()
    await fixture.canceller.step()
    assert await fixture.cancelled() == 3
    assert fixture.finishes() == []
    await fixture.database.requests.close_intake("a", 1, await fixture.database.images.count("a"))
    await fixture.canceller.step()
    assert fixture.finishes() == [FINISH]


async def test_every_one_of_many_cancelled_requests_has_its_turn(fixture: _Fixture) -> None:
    names = [f"request-{number:02}" for number in range(25)]
    for name in names:
        await fixture.insert(name, images=1)
        await fixture.database.cancellations.begin(name)
    for _ in range(40):
        await fixture.canceller.step()
    assert [await fixture.cancelled(name) for name in names] == [1] * 25
    assert sorted(sent.request_id for sent in fixture.finishes()) == names


async def test_a_lost_finish_is_sent_again(fixture: _Fixture) -> None:
    await fixture.insert()
    await fixture.database.cancellations.begin("a")
    await fixture.canceller.step()
    fixture.publisher.broken = True
    with pytest.raises(BrokerUnavailable):
        await fixture.canceller.step()
    fixture.publisher.broken = False
    await fixture.canceller.step()
    assert fixture.finishes() == [FINISH, FINISH]


async def test_a_round_is_broadcast_once_and_at_once_by_this_task(fixture: _Fixture) -> None:
    lost_after = DispatchSettings().lost_after
    await fixture.insert(intake_open=True)
    await fixture.database.cancellations.begin("a")
    for _ in range(3):
        await fixture.canceller.step()
    assert fixture.to_drop() == [("a", 1, lost_after)]
    await fixture.insert("b", intake_open=True)
    await fixture.database.cancellations.begin("b")
    await fixture.canceller.step()
    assert fixture.to_drop() == [("a", 1, lost_after), ("b", 1, lost_after)]


async def test_many_rounds_are_broadcast_in_several_messages() -> None:
    rounds = [CancelledRound(f"request-{number}", 1, NOW, intake_open=False) for number in range(1_200)]
    failing = FailingItems("cancel", Metrics(CollectorRegistry()))
    broadcasts = drop_rounds(rounds, NOW + timedelta(seconds=30), 90, failing)
    messages = [item.message for item in broadcasts]
    dropped = [each for message in messages if isinstance(message, DropRounds) for each in message.rounds]
    assert len(broadcasts) == 3
    assert [each.request_id for each in dropped] == [each.request_id for each in rounds]
    assert {each.seconds for each in dropped} == {60}


async def test_without_the_lease_nothing_is_cancelled(fixture: _Fixture) -> None:
    await fixture.insert()
    await fixture.database.cancellations.begin("a")
    await fixture.canceller.step()
    other = fixture.a_process(fixture.database.another_process())
    await fixture.insert("b")
    await fixture.database.cancellations.begin("b")
    assert await other.step() > 0
    assert await fixture.cancelled("b") == 0


async def test_each_round_of_a_request_can_be_cancelled(fixture: _Fixture) -> None:
    await fixture.insert()
    await fixture.database.cancellations.begin("a")
    for _ in range(2):
        await fixture.canceller.step()
    progress = await fixture.database.images.count("a")
    ended = finished(a_request("a"), progress)
    await fixture.database.requests.finish(ended, an_announcement(ended))
    await fixture.database.requests.retry("a", 1, progress)
    async for _ in fixture.database.images.retry_failed("a", 2):
        pass
    await fixture.canceller.step()
    assert (await fixture.database.images.count("a")).pending == 3, "the new round is not cancelled"
    await fixture.database.cancellations.begin("a")
    await fixture.canceller.step()
    images = [row.image for row in fixture.database.tables.images.values()]
    assert {(image.state, image.round) for image in images} == {(ImageState.CANCELLED, 2)}


async def test_a_round_that_cannot_be_ended_delays_no_other(fixture: _Fixture, monkeypatch: pytest.MonkeyPatch) -> None:
    for request_id in ("a", "b"):
        await fixture.insert(request_id)
        await fixture.database.cancellations.begin(request_id)
    cancel = fixture.database.cancellations.cancel_images

    async def failing(request_id: str, round_: int, limit: int) -> int:
        if request_id == "a":
            raise ValueError("a bug")
        return await cancel(request_id, round_, limit)

    monkeypatch.setattr(fixture.database.cancellations, "cancel_images", failing)
    for _ in range(3):
        await fixture.canceller.step()
    assert fixture.finishes() == [FinishRequest(request_id="b", round=1)]
