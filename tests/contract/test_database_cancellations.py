"""Cancelling: the open images of a cancelled round end once, as cancelled, and later results change nothing."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.contracts.error_codes import ErrorCode
from shared.contracts.records import CANCELLED_DETAIL, CancelledRound, Image, Progress
from shared.contracts.states import OPEN_STATES, ImageState, RequestStatus
from shared.persistence import Database
from tests.contract.conftest import Subject
from tests.fakes import MovableClock
from tests.support.builders import NOW, a_request, a_result, an_announcement, an_image, finished
from tests.support.worker_messages import compressed, deferred, failed

DONE = Progress(total=1, compressed=0, failed=0, pending=0, as_of=NOW, cancelled=1)
ENDED: dict[str, Any] = {
    "state": ImageState.CANCELLED,
    "error_code": ErrorCode.CANCELLED,
    "error_detail": CANCELLED_DETAIL,
}


async def _cancel_all(database: Database, request_id: str = "a", round_: int = 1) -> int:
    return await database.cancellations.cancel_images(request_id, round_, 100)


async def _stored(database: Database, image: Image) -> Image:
    return (await database.images.find(image.request_id, [image.image_id]))[image.image_id]


async def _finish(database: Database) -> None:
    ended = finished(a_request("a"), DONE, RequestStatus.CANCELLED)
    assert await database.requests.finish(ended, an_announcement(ended))


async def test_a_pending_request_is_cancelled_once(database: Database, clock: MovableClock) -> None:
    await database.requests.insert(a_request("a"))
    assert await database.cancellations.begin("a")
    clock.advance(60)
    assert not await database.cancellations.begin("a")
    assert await database.requests.get("a") == a_request("a", cancelling=True, cancelled_round=1)
    assert await database.cancellations.in_progress() == [CancelledRound("a", 1, NOW, intake_open=True)]


@pytest.mark.parametrize("status", [status for status in RequestStatus if status is not RequestStatus.PENDING])
async def test_a_finished_or_unknown_request_is_not_cancelled(database: Database, status: RequestStatus) -> None:
    request = a_request("a", status=status, intake_open=False, finished_at=NOW)
    await database.requests.insert(request)
    assert not await database.cancellations.begin("a")
    assert not await database.cancellations.begin("unknown")
    assert await database.requests.get("a") == request
    assert await database.cancellations.in_progress() == []
    assert await database.cancellations.requested_since(NOW) == []


async def test_of_concurrent_cancellations_one_begins(subject: Subject) -> None:
    await subject.database.requests.insert(a_request("a"))
    others = [await subject.connect() for _ in range(4)]
    assert sum(await asyncio.gather(*(other.cancellations.begin("a") for other in others))) == 1


async def test_saving_an_intake_returns_whether_the_request_is_being_cancelled(database: Database) -> None:
    await database.requests.insert(a_request("a"))
    assert not await database.requests.save_intake("a", 1, 10)
    await database.cancellations.begin("a")
    assert await database.requests.save_intake("a", 1, 20)
    assert not await database.requests.save_intake("a", 2, 30), "another round"
    assert not await database.requests.save_intake("unknown", 1, 30)


async def test_a_cancelled_round_is_in_progress_until_it_finishes_and_known_afterwards(
    database: Database, clock: MovableClock
) -> None:
    await database.requests.insert(a_request("a", intake_open=False))
    await database.requests.insert(a_request("b", intake_open=False))
    await database.cancellations.begin("a")
    cancelled = CancelledRound("a", 1, NOW, intake_open=False)
    assert await database.cancellations.in_progress() == [cancelled]
    await _finish(database)
    request = await database.requests.get("a")
    assert request is not None
    assert (request.status, request.cancelling) == (RequestStatus.CANCELLED, False)
    assert request.was_cancelled
    assert await database.cancellations.in_progress() == []
    assert await database.cancellations.requested_since(NOW) == [cancelled]
    assert await database.cancellations.requested_since(clock.advance(1)) == []


async def test_a_retry_begins_a_round_that_is_not_cancelled_and_can_be(database: Database, clock: MovableClock) -> None:
    await database.requests.insert(a_request("a", intake_open=False))
    await database.cancellations.begin("a")
    await _finish(database)
    retried = await database.requests.retry("a", 1, DONE)
    assert retried is not None
    assert (retried.status, retried.round, retried.cancelling) == (RequestStatus.PENDING, 2, False)
    assert not retried.was_cancelled
    assert await database.cancellations.in_progress() == []
    [earlier] = await database.cancellations.requested_since(NOW)
    assert earlier.round == 1, "its commands may still be in the broker"
    later = clock.advance(60)
    assert await database.cancellations.begin("a")
    assert await database.cancellations.in_progress() == [CancelledRound("a", 2, later, intake_open=True)]


@pytest.mark.parametrize("state", OPEN_STATES)
async def test_open_images_end_as_cancelled_and_all_others_stay(
    database: Database, clock: MovableClock, state: ImageState
) -> None:
    image = an_image("http://x/0.jpg", "a")
    others = [
        an_image("http://x/1.jpg", "a", state=ImageState.COMPRESSED, result=a_result(), ended_at=NOW),
        an_image("http://x/2.jpg", "a", state=ImageState.FAILED, error_code=ErrorCode.HTTP_404, ended_at=NOW),
        an_image("http://x/3.jpg", "a", round=2),
        an_image("http://x/0.jpg", "b"),
    ]
    await database.images.insert_many([image, *others])
    if state is ImageState.DISPATCHED:
        await database.images.mark_dispatched([image])
    now = clock.advance(5)
    assert await _cancel_all(database) == 1
    dispatch = 1 if state is ImageState.DISPATCHED else 0
    assert await _stored(database, image) == replace(image, dispatch=dispatch, ended_at=now, **ENDED)
    for other in others:
        assert await _stored(database, other) == other
    clock.advance(5)
    assert await _cancel_all(database) == 0
    assert (await _stored(database, image)).ended_at == now
    assert await database.images.dispatched() == []


async def test_images_are_cancelled_in_batches(database: Database) -> None:
    await database.images.insert_many([an_image(f"http://x/{number}.jpg", "a") for number in range(25)])
    counts = [await database.cancellations.cancel_images("a", 1, 10) for _ in range(4)]
    assert counts == [10, 10, 5, 0]
    assert await database.images.none_open("a")
    progress = await database.images.count("a")
    assert (progress.total, progress.cancelled, progress.pending) == (25, 25, 0)


async def test_concurrent_processes_cancel_each_image_once(subject: Subject) -> None:
    await subject.database.images.insert_many([an_image(f"http://x/{number}.jpg", "a") for number in range(50)])
    others = [await subject.connect() for _ in range(3)]
    counts = await asyncio.gather(*(_cancel_all(other) for other in others))
    assert sum(counts) == 50


@pytest.mark.parametrize(
    "late",
    [
        lambda image: compressed(image, dispatch=1),
        lambda image: failed(image, dispatch=1),
        lambda image: deferred(image, dispatch=1, not_before=NOW),
    ],
    ids=["compressed", "failed", "deferred"],
)
async def test_a_result_that_comes_later_changes_nothing_and_still_completes_the_request(
    database: Database, late: Any
) -> None:
    image = an_image(request_id="a")
    await database.requests.insert(a_request("a", intake_open=False))
    await database.images.insert_many([image])
    await database.images.mark_dispatched([image])
    await database.cancellations.begin("a")
    await _cancel_all(database)
    ended = await _stored(database, image)
    recorded = await database.images.record(late(image))
    assert recorded.image == ended
    assert recorded.request_complete
    await database.images.mark_dispatched([replace(image, dispatch=1), image])
    await database.images.return_lost(NOW + timedelta(days=1))
    assert await _stored(database, image) == ended


async def test_cancelled_images_are_retried_with_the_failed_ones(database: Database) -> None:
    await database.images.insert_many(
        [
            an_image("http://x/1.jpg", "a"),
            an_image("http://x/2.jpg", "a", state=ImageState.FAILED, error_code=ErrorCode.HTTP_404, ended_at=NOW),
            an_image("http://x/3.jpg", "a", state=ImageState.COMPRESSED, result=a_result(), ended_at=NOW),
            an_image("http://x/4", "a", state=ImageState.FAILED, host="", error_code=ErrorCode.INVALID_URL),
        ]
    )
    await _cancel_all(database)
    assert await database.images.count_retryable("a") == 2
    assert sum([moved async for moved in database.images.retry_failed("a", 2)]) == 2
    again = await _stored(database, an_image("http://x/1.jpg", "a"))
    assert again == an_image("http://x/1.jpg", "a", round=2)
    assert await _cancel_all(database) == 0, "a late step of the earlier round"
    assert [moved async for moved in database.images.retry_failed("a", 2)] in ([], [0])
    assert await _cancel_all(database, round_=2) == 2
    assert [moved async for moved in database.images.retry_failed("a", 2)] in ([], [0]), "this round's stay"


async def test_cancelled_images_are_added_up(database: Database) -> None:
    await database.images.insert_many([an_image("http://x/1.jpg", "a"), an_image("http://y/2.jpg", "a")])
    await _cancel_all(database)
    summary = await database.images.summary("a")
    assert (summary.compressed, summary.failed, summary.cancelled, summary.errors) == (0, 0, 2, ())
    assert [(host.host, host.images, host.cancelled) for host in summary.hosts] == [("x", 1, 1), ("y", 1, 1)]


async def test_in_races_of_a_last_result_with_its_cancellation_one_is_recorded(subject: Subject) -> None:
    database, other = subject.database, await subject.connect()
    for race in range(20):
        image = an_image(request_id=f"race-{race}")
        await database.requests.insert(a_request(image.request_id, intake_open=False))
        await database.images.insert_many([image])
        await database.images.mark_dispatched([image])
        await database.cancellations.begin(image.request_id)
        recorded, cancelled = await asyncio.gather(
            database.images.record(compressed(image, dispatch=1)), _cancel_all(other, image.request_id)
        )
        stored = await _stored(database, image)
        assert stored.state is (ImageState.CANCELLED if cancelled else ImageState.COMPRESSED)
        assert recorded.image == stored
        assert recorded.request_complete
