"""A result changes an image once, only if its guard holds, and the last result of a request is recognised."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.contracts.error_codes import ErrorCode
from shared.contracts.records import Image, Progress
from shared.contracts.states import OPEN_STATES, ImageState, RequestStatus
from shared.persistence import Database, Recorded
from tests.contract.conftest import Subject
from tests.fakes import MovableClock
from tests.support.builders import NOW, a_request, a_result, an_image
from tests.support.worker_messages import compressed, deferred, failed

DISPATCHED: dict[str, Any] = {"state": ImageState.DISPATCHED, "dispatch": 1}
"""The changes to `an_image` while a worker has its first command."""


async def _insert(database: Database, *images: Image) -> None:
    """Record images as given; dispatched ones as the dispatcher does."""
    pending = [
        replace(image, state=ImageState.PENDING, dispatch=0) if _is_dispatched(image) else image for image in images
    ]
    await database.images.insert_many(pending)
    await database.images.mark_dispatched(
        [before for before, image in zip(pending, images, strict=True) if _is_dispatched(image)]
    )


def _is_dispatched(image: Image) -> bool:
    return image.state is ImageState.DISPATCHED


async def _stored(database: Database, image: Image) -> Image:
    return (await database.images.find(image.request_id, [image.image_id]))[image.image_id]


async def test_images_are_read_as_written(database: Database) -> None:
    waiting = an_image()
    ended = an_image(
        "ftp://x/2.jpg",
        state=ImageState.FAILED,
        host="",
        round=2,
        dispatch=4,
        attempts=3,
        error_code=ErrorCode.INVALID_URL,
        error_detail="not http",
        ended_at=NOW,
    )
    done = an_image("http://x/3.jpg", state=ImageState.COMPRESSED, result=a_result(quality=None), ended_at=NOW)
    images = {image.image_id: image for image in (waiting, ended, done)}
    await database.images.insert_many([waiting, ended, done])
    assert await database.images.find(waiting.request_id, [*images, "0" * 32]) == images
    assert await database.images.find(waiting.request_id, []) == {}


async def test_equal_urls_of_different_requests_are_different_images(database: Database) -> None:
    mine, other = an_image(request_id="a"), an_image(request_id="aa")
    await database.images.insert_many([mine, other])
    await database.images.record(compressed(mine))
    assert (await _stored(database, other)).state is ImageState.PENDING
    assert (await database.images.count("a")).compressed == 1
    assert (await database.images.count("aa")).compressed == 0


async def test_inserting_images_again_adds_only_the_missing_ones(database: Database) -> None:
    first, second = an_image("http://x/1.jpg"), an_image("http://x/2.jpg")
    await database.images.insert_many([first])
    await database.images.record(compressed(first))
    await database.images.insert_many([first, second])
    await database.images.insert_many([])
    assert (await _stored(database, first)).state is ImageState.COMPRESSED
    assert await _stored(database, second) == second


async def test_images_are_counted_by_state(database: Database, clock: MovableClock) -> None:
    counts = {ImageState.PENDING: 1, ImageState.DISPATCHED: 2, ImageState.COMPRESSED: 3, ImageState.FAILED: 4}
    images = [
        an_image(f"http://x/{state}-{number}.jpg", state=state)
        for state, count in counts.items()
        for number in range(count)
    ]
    await _insert(database, *images)
    await _insert(database, an_image(request_id="another"))
    now = clock.advance(5)
    expected = Progress(total=10, compressed=3, failed=4, pending=3, as_of=now)
    assert await database.images.count(images[0].request_id) == expected
    assert await database.images.count("unknown") == Progress(0, 0, 0, 0, now)


@pytest.mark.parametrize("state", OPEN_STATES)
async def test_a_success_is_recorded_from_any_open_state(
    database: Database, clock: MovableClock, state: ImageState
) -> None:
    image = an_image(state=state, dispatch=0 if state is ImageState.PENDING else 1)
    await _insert(database, image)
    await database.images.record(deferred(image, dispatch=1, delay=0, attempt=1))
    now = clock.advance(5)
    recorded = await database.images.record(compressed(image, dispatch=1, attempt=2))
    ended = replace(image, state=ImageState.COMPRESSED, dispatch=1, attempts=2, result=a_result(), ended_at=now)
    assert recorded.image == ended
    assert await _stored(database, image) == ended


@pytest.mark.parametrize("state", OPEN_STATES)
async def test_a_failure_is_recorded_from_any_open_state(
    database: Database, clock: MovableClock, state: ImageState
) -> None:
    image = an_image(state=state, dispatch=0 if state is ImageState.PENDING else 1)
    await _insert(database, image)
    now = clock.advance(5)
    recorded = await database.images.record(failed(image, attempt=3))
    assert recorded.image == replace(
        image,
        state=ImageState.FAILED,
        attempts=3,
        error_code=ErrorCode.HTTP_404,
        error_detail="the host answered 404",
        ended_at=now,
    )


RESULTS: list[Any] = [compressed, failed, deferred]


@pytest.mark.parametrize("result", RESULTS)
@pytest.mark.parametrize("image", [an_image(round=2), an_image(round=2, **DISPATCHED)], ids=OPEN_STATES)
@pytest.mark.parametrize("round_", [1, 3])
async def test_a_result_of_another_round_is_ignored(database: Database, image: Image, result: Any, round_: int) -> None:
    await _insert(database, image)
    assert await database.images.record(result(image, round=round_)) == Recorded(None, request_complete=False)
    assert await _stored(database, image) == image


@pytest.mark.parametrize("result", RESULTS)
async def test_a_result_of_an_unknown_image_is_ignored(database: Database, result: Any) -> None:
    image = an_image()
    assert await database.images.record(result(image)) == Recorded(None, request_complete=False)
    assert await database.images.find(image.request_id, [image.image_id]) == {}


@pytest.mark.parametrize("first", [compressed, failed])
@pytest.mark.parametrize("second", RESULTS)
async def test_an_image_in_a_terminal_state_never_changes(
    database: Database, clock: MovableClock, first: Any, second: Any
) -> None:
    image = an_image(**DISPATCHED)
    await _insert(database, image)
    ended = await database.images.record(first(image))
    clock.advance(60)
    later = second(image, dispatch=2, attempt=5)
    assert await database.images.record(later) == ended
    assert await _stored(database, image) == ended.image


@pytest.mark.parametrize("when", [{"delay": 30}, {"delay": None, "not_before": NOW + timedelta(seconds=30)}], ids=str)
@pytest.mark.parametrize("counts", [True, False])
async def test_a_deferred_image_is_due_after_its_delay(
    database: Database, clock: MovableClock, counts: bool, when: dict[str, Any]
) -> None:
    image = an_image(**DISPATCHED)
    await _insert(database, image)
    recorded = await database.images.record(deferred(image, counts=counts, **when))
    waiting = replace(
        image,
        state=ImageState.PENDING,
        attempts=1 if counts else 0,
        error_code=ErrorCode.HTTP_5XX if counts else None,
        error_detail="the host answered 503" if counts else None,
    )
    assert recorded == Recorded(waiting, request_complete=False)
    clock.advance(29.999)
    assert await database.images.due(image.request_id, 10) == []
    clock.advance(0.001)
    assert await database.images.due(image.request_id, 10) == [waiting]


async def test_a_deferral_counts_once(database: Database) -> None:
    image = an_image(**DISPATCHED)
    await _insert(database, image)
    first = await database.images.record(deferred(image, delay=0))
    again = await database.images.record(deferred(image, delay=3600))
    assert again == first
    assert await database.images.due(image.request_id, 10) == [first.image]


async def test_a_late_copy_of_a_deferral_does_not_count_for_the_next_dispatch(database: Database) -> None:
    image = an_image(**DISPATCHED)
    await _insert(database, image)
    await database.images.record(deferred(image, delay=0))
    await database.images.mark_dispatched(await database.images.due(image.request_id, 10))
    recorded = await database.images.record(deferred(image, delay=0))
    assert recorded.image is not None
    assert (recorded.image.state, recorded.image.dispatch, recorded.image.attempts) == (ImageState.DISPATCHED, 2, 1)


async def test_a_late_copy_of_a_failure_does_not_undo_its_deferral(database: Database, clock: MovableClock) -> None:
    """The aggregator defers a host's failure while the host is paused; a copy can come after the pause."""
    image = an_image(dispatch=0)
    await database.images.insert_many([image])
    await database.images.mark_dispatched([image])
    await database.images.record(deferred(image, delay=0, counts=False))
    clock.advance(1)
    assert (await database.images.record(failed(image))).image == await _stored(database, image)
    assert (await _stored(database, image)).state is ImageState.PENDING
    [due] = await database.images.due(image.request_id, 1)
    await database.images.mark_dispatched([due])
    await database.images.record(failed(image))
    assert (await _stored(database, image)).state is ImageState.DISPATCHED
    await database.images.record(failed(image, dispatch=2))
    assert (await _stored(database, image)).state is ImageState.FAILED


async def test_a_deferral_may_arrive_before_its_dispatch_is_marked(database: Database) -> None:
    image = an_image()
    await _insert(database, image)
    published = await database.images.due(image.request_id, 10)
    await database.images.record(deferred(image, dispatch=1, delay=0))
    await database.images.mark_dispatched(published)
    waiting = await _stored(database, image)
    assert (waiting.state, waiting.dispatch, waiting.attempts) == (ImageState.PENDING, 1, 1)
    await database.images.record(deferred(image, dispatch=1, delay=0))
    assert await _stored(database, image) == waiting
    await database.images.mark_dispatched(await database.images.due(image.request_id, 10))
    marked = await _stored(database, image)
    assert (marked.state, marked.dispatch, marked.attempts) == (ImageState.DISPATCHED, 2, 1)


@pytest.mark.parametrize("end", [compressed, failed])
async def test_a_terminal_result_may_arrive_before_its_dispatch_is_marked(database: Database, end: Any) -> None:
    image = an_image()
    await _insert(database, image)
    published = await database.images.due(image.request_id, 10)
    ended = await database.images.record(end(image, dispatch=1))
    await database.images.mark_dispatched(published)
    assert await _stored(database, image) == ended.image


async def test_the_last_result_completes_the_request(database: Database) -> None:
    first, second, third = images = [an_image(f"http://x/{number}.jpg", **DISPATCHED) for number in range(3)]
    await database.requests.insert(a_request(intake_open=False))
    await _insert(database, *images)
    assert not (await database.images.record(compressed(first))).request_complete
    assert not (await database.images.record(deferred(second))).request_complete
    assert not (await database.images.record(failed(third))).request_complete
    assert not await database.images.none_open(first.request_id)
    assert (await database.images.record(compressed(second))).request_complete
    assert await database.images.none_open(first.request_id)


async def test_a_copy_of_the_last_result_completes_the_request_too(database: Database) -> None:
    image = an_image(**DISPATCHED)
    await database.requests.insert(a_request(intake_open=False))
    await _insert(database, image)
    first = await database.images.record(compressed(image))
    assert await database.images.record(compressed(image)) == first
    assert first.request_complete


@pytest.mark.parametrize("open_", [True, False], ids=["open intake", "no request"])
async def test_no_result_is_the_last_while_intake_is_open(database: Database, open_: bool) -> None:
    image = an_image(**DISPATCHED)
    if open_:
        await database.requests.insert(a_request(intake_open=True))
    await _insert(database, image)
    assert not (await database.images.record(compressed(image))).request_complete


async def test_a_result_for_a_finished_request_is_not_the_last(database: Database) -> None:
    image = an_image(**DISPATCHED)
    await database.requests.insert(a_request(intake_open=False, status=RequestStatus.COMPLETED))
    await _insert(database, image)
    assert not (await database.images.record(compressed(image))).request_complete


async def test_at_least_one_of_concurrent_results_is_the_last(subject: Subject) -> None:
    processes = [subject.database, await subject.connect()]
    for turn in range(10):
        request_id = f"request-{turn}"
        images = [an_image(f"http://x/{number}.jpg", request_id, **DISPATCHED) for number in range(8)]
        await subject.database.requests.insert(a_request(request_id, intake_open=False))
        await _insert(subject.database, *images)
        recorded = await asyncio.gather(
            *(processes[number % 2].images.record(compressed(image)) for number, image in enumerate(images))
        )
        assert any(answer.request_complete for answer in recorded)
        assert all(answer.image and answer.image.state is ImageState.COMPRESSED for answer in recorded)


async def test_each_of_several_requests_has_a_last_result_in_one_batch(database: Database) -> None:
    request_ids = ["a", "b", "c", "d"]
    for request_id in request_ids:
        await database.requests.insert(a_request(request_id, intake_open=False))
    images = [an_image(f"http://x/{number}.jpg", id_, **DISPATCHED) for number in range(3) for id_ in request_ids]
    await _insert(database, *images)
    recorded = await asyncio.gather(*(database.images.record(failed(image)) for image in images))
    finished = {answer.image.request_id for answer in recorded if answer.image and answer.request_complete}
    assert finished == set(request_ids)


async def test_results_of_one_batch_return_their_own_images(database: Database) -> None:
    images = [an_image(f"http://x/{number}.jpg", f"request-{number % 7}", **DISPATCHED) for number in range(50)]
    await _insert(database, *images)
    recorded = await asyncio.gather(
        *(database.images.record(RESULTS[number % 3](image)) for number, image in enumerate(images))
    )
    expected = [ImageState.COMPRESSED, ImageState.FAILED, ImageState.PENDING]
    for number, (image, answer) in enumerate(zip(images, recorded, strict=True)):
        assert answer.image is not None
        assert (answer.image.url, answer.image.request_id) == (image.url, image.request_id)
        assert answer.image.state is expected[number % 3]


async def test_of_contradicting_concurrent_results_one_is_recorded(database: Database) -> None:
    images = [an_image(f"http://x/{number}.jpg", **DISPATCHED) for number in range(20)]
    await _insert(database, *images)
    results = [result(image) for image in images for result in RESULTS]
    await asyncio.gather(*(database.images.record(result) for result in results))
    for image in images:
        stored = await _stored(database, image)
        assert (stored.result is None) == (stored.state is ImageState.FAILED)
        assert (stored.error_code is None) == (stored.state is ImageState.COMPRESSED)
        assert stored.ended_at is not None
