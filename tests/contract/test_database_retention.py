"""Expiry and cleaning of finished requests, and records that belong to no request."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from shared.contracts.records import Request
from shared.persistence import Database
from tests.contract.test_database_requests import DONE
from tests.fakes import MovableClock
from tests.support.builders import NOW, a_delivery, a_product, a_request, an_announcement, an_image, finished

WEEK = timedelta(days=7)


async def finish(database: Database, request: Request, now: datetime = NOW) -> None:
    ended = finished(request, replace(DONE, as_of=now))
    announcement = an_announcement(ended)
    assert await database.requests.finish(ended, announcement)
    await database.requests.remove_announcement(ended.request_id, announcement.event_id)


async def insert_finished(database: Database, request_id: str, days: float | None, now: datetime = NOW) -> None:
    request = a_request(request_id, intake_open=False, retention_days=days)
    await database.requests.insert(request)
    await finish(database, request, now)


async def expired(database: Database) -> list[str]:
    return [request_id async for request_id in database.requests.expired()]


async def orphans(database: Database) -> set[str]:
    return {request_id async for request_id in database.orphaned_requests()}


async def test_more_excluded_requests_than_are_read_at_a_time_hide_no_expired_one(
    database: Database, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.persistence.requests._MAX_EXPIRED", 2)
    for request_id, days in (("a", 1), ("b", 2), ("c", 3)):
        await insert_finished(database, request_id, days)
    clock.advance(WEEK.total_seconds())
    assert [request_id async for request_id in database.requests.expired(["a", "b"])] == ["c"]


async def test_a_request_expires_after_its_time_and_a_kept_one_never(database: Database, clock: MovableClock) -> None:
    await insert_finished(database, "a", 7)
    await insert_finished(database, "kept", None)
    await database.requests.insert(a_request("open"))
    request = await database.requests.get("a")
    assert request is not None
    assert request.expires_at == NOW + WEEK
    clock.advance(WEEK.total_seconds() - 1)
    assert await expired(database) == []
    clock.advance(1)
    assert await expired(database) == ["a"]
    clock.advance(1e9)
    while await database.delete_request("a"):
        pass
    assert await expired(database) == []


async def test_requests_are_found_in_the_order_of_their_expiry(database: Database, clock: MovableClock) -> None:
    for request_id, days in (("a", 3), ("b", 1), ("c", 2), ("later", 8)):
        await insert_finished(database, request_id, days)
    clock.advance(WEEK.total_seconds())
    assert await expired(database) == ["b", "c", "a"]
    assert await database.requests.begin_removal("b")
    assert await expired(database) == ["b", "c", "a"], "until it is deleted"
    assert not await database.requests.begin_removal("later")
    assert not await database.requests.begin_removal("missing")


@pytest.mark.parametrize("claimed", [True, False])
async def test_an_expired_request_cannot_be_retried(database: Database, clock: MovableClock, *, claimed: bool) -> None:
    await insert_finished(database, "a", 7)
    clock.advance(WEEK.total_seconds())
    if claimed:
        assert await database.requests.begin_removal("a")
    assert await database.requests.retry("a", 1, DONE) is None


async def test_a_request_is_not_removed_before_its_end_is_announced(database: Database, clock: MovableClock) -> None:
    request = a_request("a", intake_open=False, retention_days=7)
    await database.requests.insert(request)
    ended = finished(request, DONE)
    await database.requests.finish(ended, an_announcement(ended))
    clock.advance(WEEK.total_seconds())
    assert await expired(database) == []
    await database.requests.remove_announcement("a", an_announcement(ended).event_id)
    assert await expired(database) == ["a"]


async def test_only_a_finished_request_can_be_expired(database: Database) -> None:
    await insert_finished(database, "a", None)
    await database.requests.insert(a_request("open"))
    assert await database.requests.expire("a")
    assert not await database.requests.expire("open")
    assert not await database.requests.expire("missing")
    assert await expired(database) == ["a"]
    assert await database.requests.existing(["open"]) == {"open"}


async def test_a_retry_cancels_the_expiry(database: Database, clock: MovableClock) -> None:
    await insert_finished(database, "a", 7)
    retried = await database.requests.retry("a", 1, DONE)
    assert retried is not None
    assert retried.expires_at is None
    clock.advance(WEEK.total_seconds())
    assert await expired(database) == []


async def test_each_finished_round_is_cleaned_once(database: Database, clock: MovableClock) -> None:
    await database.requests.insert(a_request("open"))
    await insert_finished(database, "b", None)
    await insert_finished(database, "a", None, clock.advance(60))
    assert await database.requests.uncleaned(NOW - timedelta(seconds=1)) is None
    assert await database.requests.uncleaned(clock()) == ("b", 1)
    assert await database.requests.uncleaned(clock(), ["b"]) == ("a", 1)
    await database.requests.mark_cleaned("b", 1)
    assert await database.requests.uncleaned(clock()) == ("a", 1)
    await database.requests.retry("a", 1, DONE)
    assert await database.requests.uncleaned(clock()) is None
    await database.requests.close_intake("a", 2, DONE)
    retried = await database.requests.get("a")
    assert retried is not None
    await finish(database, retried, clock())
    await database.requests.mark_cleaned("a", 1)  # by a process that is a round late
    assert await database.requests.uncleaned(clock()) == ("a", 2)


async def test_existing_and_finished_requests_are_found(database: Database) -> None:
    await insert_finished(database, "b", None)
    await insert_finished(database, "a", None)
    await database.requests.insert(a_request("open"))
    assert await database.requests.existing(["a", "open", "missing"]) == {"a", "open"}
    assert [request.request_id async for request in database.requests.finished()] == ["a", "b"]


async def test_records_without_a_request_are_found_and_deleted(database: Database) -> None:
    for request_id in ("01A", "01B", "01C", "01D"):
        await database.images.insert_many([an_image(request_id=request_id)])
        await database.products.insert_many([a_product(row, (), request_id) for row in (1, 2)])
    await database.deliveries.put(a_delivery("01E:1:request.completed"))
    await database.requests.insert(a_request("01B"))
    assert await orphans(database) == {"01A", "01C", "01D", "01E"}
    for request_id in await orphans(database):
        while await database.delete_request(request_id):
            pass
    assert await orphans(database) == set()
    assert (await database.images.count("01B")).total == 1
