"""Requests: what is recorded, and under which conditions they finish and are retried."""

import asyncio
from dataclasses import asdict, replace
from datetime import timedelta
from typing import Any

import pytest

from shared.contracts.messages import CompressOptions
from shared.contracts.records import Progress, Request
from shared.contracts.states import ImageState, RequestError, RequestStatus
from shared.persistence import Database
from tests.contract.conftest import Subject
from tests.fakes import MovableClock
from tests.support.builders import (
    NOW,
    a_delivery,
    a_product,
    a_request,
    an_announcement,
    an_image,
    finished,
    output_keys,
)
from tests.support.worker_messages import compressed

DONE = Progress(total=1, compressed=1, failed=0, pending=0, as_of=NOW)


async def _finish(database: Database, round_: int = 1, **changes: Any) -> Request | None:
    ended = replace(finished(a_request("a", round=round_), DONE), **changes)
    return await database.requests.finish(ended, an_announcement(ended))


async def test_a_request_is_read_as_written(database: Database) -> None:
    request = a_request(
        "a",
        status=RequestStatus.FAILED,
        round=2,
        options=CompressOptions(percent=30),
        webhook_url="https://shop.test/hook",
        intake_open=False,
        intake_rows=7,
        progress=Progress(5, 1, 2, 2, NOW),
        finished_at=NOW + timedelta(hours=1),
        **asdict(output_keys("a")),
    )
    await database.requests.insert(request)
    assert await database.requests.get("a") == request


async def test_an_unknown_request_is_none(database: Database) -> None:
    assert await database.requests.get("a") is None
    assert await database.requests.current("a") is None


async def test_inserting_a_request_again_changes_nothing(database: Database) -> None:
    await database.requests.insert(a_request("a"))
    await database.requests.insert(a_request("a", filename="other.csv", intake_open=False))
    assert await database.requests.get("a") == a_request("a")


async def test_open_intakes_are_listed_oldest_first(database: Database) -> None:
    await database.requests.insert(a_request("c"))
    await database.requests.insert(a_request("a"))
    await database.requests.insert(a_request("b", intake_open=False))
    assert [request.request_id for request in await database.requests.open_intakes()] == ["a", "c"]


async def test_the_number_of_intake_rows_never_decreases(database: Database, clock: MovableClock) -> None:
    await database.requests.insert(a_request("a"))
    now = clock.advance(5)
    await database.requests.save_intake("a", 1, 2000)
    await database.requests.save_intake("a", 1, 1000)
    assert await database.requests.get("a") == a_request("a", intake_rows=2000, updated_at=now)


async def test_intake_is_closed_once(database: Database, clock: MovableClock) -> None:
    await database.requests.insert(a_request("a"))
    now = clock.advance(5)
    counted = Progress(total=3, compressed=0, failed=1, pending=2, as_of=now)
    await database.requests.close_intake("a", 1, counted)
    closed = a_request("a", intake_open=False, progress=counted, updated_at=now)
    assert await database.requests.get("a") == closed
    clock.advance(5)
    await database.requests.close_intake("a", 1, Progress(0, 0, 0, 0, clock()))
    assert await database.requests.get("a") == closed


async def test_the_error_of_an_intake_stays_in_later_rounds(database: Database, clock: MovableClock) -> None:
    await database.requests.insert(a_request("a"))
    none = Progress(0, 0, 0, 0, clock())
    await database.requests.close_intake("a", 1, none, RequestError.UPLOAD_LOST)
    closed = await database.requests.get("a")
    assert closed is not None
    assert closed.error_code is RequestError.UPLOAD_LOST
    ended = finished(closed, none)
    assert await database.requests.finish(ended, an_announcement(ended))
    await database.requests.retry("a", 1, none)
    await database.requests.close_intake("a", 2, none)
    retried = await database.requests.get("a")
    assert retried is not None
    assert (retried.round, retried.error_code) == (2, RequestError.UPLOAD_LOST)


async def _stranded(database: Database) -> list[str]:
    return [request.request_id for request in await database.requests.claim_stranded()]


async def test_requests_that_could_finish_are_claimed(database: Database) -> None:
    for request_id in ("empty", "ended", "open-image", "dispatched-image"):
        await database.requests.insert(a_request(request_id, intake_open=False))
    await database.requests.insert(a_request("open-intake"))
    await database.requests.insert(a_request("finished", intake_open=False, status=RequestStatus.FAILED))
    await database.images.insert_many(
        [
            an_image(request_id="ended", state=ImageState.FAILED),
            an_image(request_id="open-image"),
            an_image("http://images.test/2.jpg", request_id="open-image", state=ImageState.COMPRESSED),
            an_image(request_id="dispatched-image", state=ImageState.DISPATCHED),
        ]
    )
    assert await _stranded(database) == ["empty", "ended"]


async def test_a_stranded_request_is_claimed_at_most_once_a_minute(database: Database, clock: MovableClock) -> None:
    await database.requests.insert(a_request("a", intake_open=False))
    assert await _stranded(database) == ["a"]
    clock.advance(59)
    await database.requests.insert(a_request("b", intake_open=False))
    assert await _stranded(database) == ["b"]
    clock.advance(1)
    assert await _stranded(database) == ["a"]
    await _finish(database)
    await database.requests.remove_announcement("a", "a:1:request.completed")
    clock.advance(60)
    assert await _stranded(database) == ["b"]


async def test_a_finish_is_recorded_once(database: Database, clock: MovableClock) -> None:
    await database.requests.insert(a_request("a", intake_open=False))
    now = clock.advance(60)
    ended = finished(a_request("a", intake_open=False), replace(DONE, as_of=now))
    announcement = an_announcement(ended, webhook_url="https://shop.test/hook")
    recorded = replace(ended, announcements=(announcement,))
    assert await database.requests.finish(ended, announcement) == recorded
    clock.advance(60)
    assert await database.requests.finish(ended, announcement) is None
    assert await database.requests.get("a") == recorded


@pytest.mark.parametrize(
    "request_",
    [
        a_request("a", intake_open=True),
        a_request("a", intake_open=False, round=2),
        a_request("a", intake_open=False, status=RequestStatus.FAILED),
        a_request("b", intake_open=False),
    ],
    ids=["open intake", "another round", "finished", "another request"],
)
async def test_only_a_pending_request_of_that_round_with_closed_intake_finishes(
    database: Database, request_: Request
) -> None:
    await database.requests.insert(request_)
    assert await _finish(database) is None
    assert await database.requests.get(request_.request_id) == request_


async def test_of_concurrent_finishes_one_succeeds(subject: Subject) -> None:
    await subject.database.requests.insert(a_request("a", intake_open=False))
    other = await subject.connect()
    ended = await asyncio.gather(*(_finish(database) for database in (subject.database, other) for _ in range(5)))
    assert len([request for request in ended if request]) == 1


async def test_intake_of_an_earlier_round_is_ignored(database: Database) -> None:
    request = a_request("a", round=2)
    await database.requests.insert(request)
    await database.requests.save_intake("a", 1, 1000)
    await database.requests.close_intake("a", 1, DONE)
    assert await database.requests.get("a") == request


EXPECTED = Progress(total=1, compressed=0, failed=0, pending=1, as_of=NOW)


@pytest.mark.parametrize("status", [RequestStatus.COMPLETED, RequestStatus.FAILED])
async def test_a_retry_starts_the_next_round(database: Database, clock: MovableClock, status: RequestStatus) -> None:
    await database.requests.insert(a_request("a", intake_open=False, intake_rows=7))
    ended = await _finish(database, status=status)
    assert ended is not None
    now = clock.advance(60)
    started = a_request(
        "a", round=2, intake_rows=7, progress=EXPECTED, updated_at=now, announcements=ended.announcements
    )
    assert await database.requests.retry("a", 1, EXPECTED) == started
    assert await database.requests.get("a") == started
    assert await database.requests.open_intakes() == [started]


@pytest.mark.parametrize(
    "request_",
    [
        a_request("a", intake_open=False),
        a_request("a", intake_open=True, round=2),
        a_request("a", intake_open=False, round=2, status=RequestStatus.FAILED),
        a_request("b", intake_open=False, status=RequestStatus.FAILED),
    ],
    ids=["not finished", "retried already", "another round", "another request"],
)
async def test_only_a_request_that_finished_that_round_is_retried(database: Database, request_: Request) -> None:
    await database.requests.insert(request_)
    assert await database.requests.retry("a", 1, EXPECTED) is None
    assert await database.requests.get(request_.request_id) == request_


async def test_of_concurrent_retries_one_succeeds(subject: Subject) -> None:
    await subject.database.requests.insert(a_request("a", intake_open=False, status=RequestStatus.FAILED))
    other = await subject.connect()
    started = await asyncio.gather(
        *(database.requests.retry("a", 1, EXPECTED) for database in (subject.database, other) for _ in range(5))
    )
    assert len([request for request in started if request]) == 1


async def test_each_round_finishes_once_and_is_announced_separately(database: Database) -> None:
    await database.requests.insert(a_request("a", intake_open=False))
    assert await _stranded(database) == ["a"]
    await _finish(database)
    await database.requests.retry("a", 1, EXPECTED)
    assert await _finish(database) is None
    assert await _stranded(database) == []
    await database.requests.close_intake("a", 2, DONE)
    assert await _stranded(database) == ["a"]
    assert await _finish(database) is None
    ended = await _finish(database, round_=2)
    assert ended is not None
    assert (ended.output_key, ended.round) == (output_keys("a", 2).output_key, 2)
    assert [each.event_id for each in ended.announcements] == ["a:1:request.completed", "a:2:request.completed"]


async def test_an_announcement_that_was_not_published_is_found_a_minute_later(
    database: Database, clock: MovableClock
) -> None:
    await database.requests.insert(a_request("a", intake_open=False))
    await _finish(database)
    await database.requests.retry("a", 1, EXPECTED)
    clock.advance(59.999)
    assert await _stranded(database) == []
    clock.advance(0.001)
    assert await _stranded(database) == ["a"]
    clock.advance(59)
    assert await _stranded(database) == []
    clock.advance(1)
    assert await _stranded(database) == ["a"]
    await database.requests.remove_announcement("a", "a:1:request.completed")
    clock.advance(60)
    assert await _stranded(database) == []


async def test_an_announcement_is_removed_by_its_event_alone(database: Database) -> None:
    await database.requests.insert(a_request("a", intake_open=False))
    await _finish(database)
    await database.requests.retry("a", 1, EXPECTED)
    await database.requests.close_intake("a", 2, DONE)
    await _finish(database, round_=2)
    for event_id in ("a:1:request.completed", "a:1:request.completed", "unknown"):
        await database.requests.remove_announcement("a", event_id)
    await database.requests.remove_announcement("unknown", "a:2:request.completed")
    request = await database.requests.get("a")
    assert request is not None
    assert [each.event_id for each in request.announcements] == ["a:2:request.completed"]


async def test_progress_is_counted_again_after_a_retry(database: Database, clock: MovableClock) -> None:
    await database.requests.insert(a_request("a", intake_open=False))
    await database.images.insert_many([an_image(request_id="a", state=ImageState.FAILED)])
    await _finish(database)
    await database.requests.retry("a", 1, EXPECTED)
    clock.advance(1)
    assert await _shown(database) == EXPECTED
    now = clock.advance(1)
    assert await _shown(database) == Progress(1, 0, 1, 0, now)


async def test_pending_requests_are_counted(database: Database) -> None:
    await database.requests.insert(a_request("a"))
    await database.requests.insert(a_request("b", intake_open=False))
    await database.requests.insert(a_request("c", status=RequestStatus.COMPLETED))
    assert await database.requests.count_open() == 2


async def _shown(database: Database) -> Progress:
    request = await database.requests.current("a")
    assert request is not None
    return request.progress


async def test_progress_is_counted_at_most_every_two_seconds(database: Database, clock: MovableClock) -> None:
    image = an_image(request_id="a")
    await database.requests.insert(a_request("a", intake_open=False))
    await database.images.insert_many([image])
    first = clock.advance(0.001)
    assert await _shown(database) == Progress(1, 0, 0, 1, first)
    await database.images.record(compressed(image))
    clock.advance(1.999)
    assert await _shown(database) == Progress(1, 0, 0, 1, first)
    second = clock.advance(0.001)
    assert await _shown(database) == Progress(1, 1, 0, 0, second)
    stored = await database.requests.get("a")
    assert stored is not None
    assert (stored.progress, stored.updated_at) == (Progress(1, 1, 0, 0, second), second)


async def test_progress_of_a_finished_request_does_not_change(database: Database, clock: MovableClock) -> None:
    await database.requests.insert(a_request("a", intake_open=False))
    ended = await _finish(database)
    clock.advance(3600)
    assert ended is not None
    assert await database.requests.current("a") == replace(ended, progress=DONE)


async def test_deleting_a_request_deletes_everything_that_belongs_to_it(database: Database) -> None:
    for request_id in ("a", "b"):
        await database.requests.insert(a_request(request_id))
        await database.images.insert_many([an_image(request_id=request_id)])
        await database.products.insert_many([a_product(1, (), request_id)])
        await database.deliveries.put(a_delivery(f"{request_id}:1"))
    while await database.delete_request("a"):
        assert await database.requests.get("a") is not None, "the request goes last"
    assert not await database.delete_request("a")
    assert await database.requests.get("a") is None
    assert (await database.images.count("a")).total == 0
    assert [batch async for batch in database.products.batches("a")] == []
    assert await database.deliveries.get("a:1") is None
    assert await database.requests.get("b") is not None
    assert (await database.images.count("b")).total == 1
    assert await database.deliveries.get("b:1") is not None
