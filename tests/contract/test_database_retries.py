"""Retries: failed images move to the next round, and late messages of earlier rounds are ignored."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from shared.contracts.error_codes import ErrorCode
from shared.contracts.events import image_event
from shared.contracts.records import Image, Progress
from shared.contracts.states import ImageState, RequestStatus
from shared.persistence import Database, Recorded
from tests.contract.conftest import Subject
from tests.fakes import MovableClock
from tests.support.builders import NOW, REQUEST_ID, a_request, a_result, an_image
from tests.support.worker_messages import compressed, deferred, failed

DEADLINE = NOW + timedelta(days=3)
PENDING = Progress(total=1, compressed=0, failed=0, pending=1, as_of=NOW)


def a_failure(url: str = "http://images.test/1.jpg", **changes: Any) -> Image:
    known: dict[str, Any] = {
        "state": ImageState.FAILED,
        "error_code": ErrorCode.HTTP_404,
        "error_detail": "404",
        "ended_at": NOW,
    }
    return an_image(url, **known | changes)


def an_invalid_url(url: str = "lamp.png") -> Image:
    return a_failure(f"http://x/{url}", host="", error_code=ErrorCode.INVALID_URL)


def as_new(image: Image, round_: int = 2) -> Image:
    return replace(
        image,
        state=ImageState.PENDING,
        round=round_,
        dispatch=0,
        attempts=0,
        deadline=None,
        error_code=None,
        error_detail=None,
        ended_at=None,
    )


async def _retry(database: Database, round_: int = 2) -> int:
    return sum([moved async for moved in database.images.retry_failed(REQUEST_ID, round_)])


async def _stored(database: Database, image: Image) -> Image:
    return (await database.images.find(image.request_id, [image.image_id]))[image.image_id]


async def test_failed_images_are_pending_again_and_all_others_stay_unchanged(
    database: Database, clock: MovableClock
) -> None:
    again = [
        a_failure(dispatch=3, attempts=2, deadline=NOW),
        a_failure("http://10.0.0.1/2.jpg", error_code=ErrorCode.BLOCKED_ADDRESS),
        a_failure("http://x/3.jpg", error_code=ErrorCode.EXPIRED),
    ]
    others = [
        an_invalid_url(),
        an_image("http://x/4.jpg", state=ImageState.COMPRESSED, result=a_result(), ended_at=NOW),
        an_image("http://x/5.jpg"),
        a_failure(request_id="another"),
    ]
    await database.images.insert_many([*again, *others])
    clock.advance(60)
    assert await database.images.count_retryable(REQUEST_ID) == len(again)
    assert await _retry(database) == len(again)
    for image in again:
        assert await _stored(database, image) == as_new(image)
    for image in others:
        assert await _stored(database, image) == image
    assert await database.images.count_retryable(REQUEST_ID) == 0
    due = await database.images.due(REQUEST_ID, 10)
    assert {image.image_id for image in due} == {image.image_id for image in [*again, others[2]]}


async def test_an_image_that_failed_with_invalid_url_is_not_retried(database: Database) -> None:
    image = an_image()
    await database.images.insert_many([image])
    recorded = await database.images.record(failed(image, error_code=ErrorCode.INVALID_URL))
    assert recorded.image is not None
    assert recorded.image.host == ""
    assert await database.images.count_retryable(REQUEST_ID) == 0
    assert await _retry(database) == 0


async def test_an_interrupted_retry_continues_and_moves_no_image_twice(database: Database) -> None:
    images = [a_failure(f"http://host-{number % 7}/{number}.jpg") for number in range(2300)]
    await database.images.insert_many(images)
    retrying = database.images.retry_failed(REQUEST_ID, 2)
    first = await anext(retrying)
    await retrying.aclose()
    assert 0 < first < len(images)
    tried, ended = await database.images.due(REQUEST_ID, 2)
    await database.images.mark_dispatched([tried])
    again = await database.images.record(failed(ended))
    assert await _retry(database) == len(images) - first
    assert await _stored(database, ended) == again.image
    assert (await _stored(database, tried)).dispatch == 1
    assert (await database.images.count(REQUEST_ID)).pending == len(images) - 1
    assert await _retry(database) == 0
    assert await _retry(database, 3) == 1


async def test_images_that_fail_again_during_a_retry_are_not_moved_again(
    database: Database, clock: MovableClock
) -> None:
    images = [a_failure(f"http://x/{number}.jpg") for number in range(2300)]
    await database.images.insert_many(images)
    clock.advance(60)
    moved = 0
    async for some in database.images.retry_failed(REQUEST_ID, 2):
        moved += some
        for image in await database.images.due(REQUEST_ID, 100):
            await database.images.record(failed(image))
    assert moved == len(images)
    assert (await database.images.count(REQUEST_ID)).failed == 300


async def test_concurrent_retries_move_each_image_once(subject: Subject) -> None:
    images = [a_failure(f"http://x/{number}.jpg") for number in range(1500)]
    await subject.database.images.insert_many(images)
    other = await subject.connect()
    assert sum(await asyncio.gather(_retry(subject.database), _retry(other))) == len(images)


async def test_a_retry_for_the_current_round_moves_nothing(database: Database) -> None:
    image = a_failure(round=2)
    await database.images.insert_many([image])
    assert await _retry(database, 2) == 0
    assert await _stored(database, image) == image


LATE: list[Any] = [compressed, failed, deferred]


@pytest.mark.parametrize("late", LATE)
async def test_messages_of_an_earlier_round_change_nothing_and_get_its_end(database: Database, late: Any) -> None:
    image = an_image(state=ImageState.PENDING)
    await database.images.insert_many([image])
    published = await database.images.due(REQUEST_ID, 1)
    await database.images.mark_dispatched(published)
    ended = (await database.images.record(failed(image, dispatch=1))).image
    assert ended is not None
    await _retry(database)
    recorded = await database.images.record(late(image, dispatch=1))
    assert recorded == Recorded(None, request_complete=False, ended_earlier=ended)
    assert (await database.images.record(late(image, round=3))).ended_earlier is None
    await database.images.mark_dispatched(published)
    assert await _stored(database, image) == as_new(image)


REUSABLE: dict[str, Any] = {"reuse_key": "key", "etag": '"1"', "last_modified": "Mon, 02 Nov 2026 10:00:00 GMT"}
LATER_ANSWERS: list[list[Any]] = [
    [partial(compressed, **REUSABLE)],
    [partial(failed, error_code=ErrorCode.INVALID_URL)],
    [failed, partial(compressed, **REUSABLE)],
    [partial(failed, error_code=ErrorCode.DNS, error_detail="no such host"), deferred],
]


@pytest.mark.parametrize("later", LATER_ANSWERS)
async def test_the_end_of_an_earlier_round_contains_nothing_of_a_later_one(
    database: Database, later: list[Any]
) -> None:
    """Else a late copy of its answer would publish other data under the same event id."""
    image = an_image(state=ImageState.PENDING)
    await database.images.insert_many([image])
    ends: list[Image] = []
    for round_, answer in enumerate([failed, *later], 1):
        if round_ > 1:
            await _retry(database, round_)
        await database.images.mark_dispatched(await database.images.due(REQUEST_ID, 1))
        recorded = await database.images.record(answer(image, round=round_, dispatch=1, attempt=round_))
        assert recorded.image is not None
        ends.append(recorded.image)
    for ended in ends[:-1]:
        late = await database.images.record(failed(image, round=ended.round, dispatch=1))
        assert late == Recorded(None, request_complete=False, ended_earlier=ended)
        assert late.ended_earlier is not None
        assert image_event(late.ended_earlier, "http://images") == image_event(ended, "http://images")


async def test_in_the_new_round_deferrals_and_losses_are_counted_from_zero(database: Database) -> None:
    image = an_image()
    await database.images.insert_many([image])
    for dispatch in (1, 2):
        await database.images.mark_dispatched(await database.images.due(REQUEST_ID, 1))
        await database.images.record(deferred(image, dispatch=dispatch, delay=0, counts=False, lost=True))
    assert (await _stored(database, image)).losses == 2
    await database.images.record(failed(image, dispatch=3))
    await _retry(database)
    for lost in (False, True):
        [due] = await database.images.due(REQUEST_ID, 1)
        await database.images.mark_dispatched([due])
        sent = await _stored(database, image)
        await database.images.record(deferred(sent, delay=0, counts=not lost, lost=lost))
    waiting = await _stored(database, image)
    assert (waiting.state, waiting.round, waiting.dispatch) == (ImageState.PENDING, 2, 2)
    assert (waiting.attempts, waiting.losses) == (1, 1)


async def test_a_late_result_of_an_earlier_round_does_not_hide_the_last_result_of_this_round(
    database: Database,
) -> None:
    """Both are recorded in one batch."""
    before, last = an_image("http://x/1.jpg"), an_image("http://x/2.jpg", round=2)
    await database.requests.insert(a_request(round=2, intake_open=False))
    await database.images.insert_many([before, last])
    await database.images.record(compressed(before))
    late, ended = await asyncio.gather(
        database.images.record(compressed(before)), database.images.record(compressed(last))
    )
    assert late.image is not None
    assert not late.request_complete
    assert ended.request_complete


async def test_a_retried_request_may_finish_once_its_new_intake_is_closed(database: Database) -> None:
    await database.requests.insert(a_request(intake_open=False, status=RequestStatus.FAILED))
    await database.images.insert_many([a_failure()])
    await database.requests.retry(REQUEST_ID, 1, PENDING)
    await _retry(database)
    [image] = await database.images.due(REQUEST_ID, 1)
    assert not (await database.images.record(compressed(image))).request_complete
    await database.requests.close_intake(REQUEST_ID, 2, PENDING)
    assert (await database.images.record(compressed(image))).request_complete
