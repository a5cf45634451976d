"""Webhook deliveries: each attempt is claimed by one process and recorded once."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

from shared.contracts.records import Delivery
from shared.persistence import Database
from tests.contract.conftest import Subject
from tests.fakes import MovableClock
from tests.support.builders import NOW


def a_delivery(delivery_id: str = "a:1:request.completed", **changes: Any) -> Delivery:
    known: dict[str, Any] = {
        "delivery_id": delivery_id,
        "request_id": "a",
        "url": "https://shop.test/hook",
        "body": '{"type": "request.completed"}',
        "attempts": 0,
        "due_at": NOW,
    }
    return Delivery(**known | changes)


async def _announced(database: Database, limit: int = 100) -> list[str]:
    return sorted([delivery.delivery_id for delivery in await database.deliveries.claim_due(limit)])


async def test_a_delivery_is_read_as_written(database: Database) -> None:
    delivery = a_delivery(attempts=3, due_at=None, delivered=True, last_error="the receiver answered 503")
    await database.deliveries.put(delivery)
    assert await database.deliveries.get(delivery.delivery_id) == delivery
    assert await database.deliveries.get("another") is None


async def test_putting_a_delivery_again_changes_nothing(database: Database) -> None:
    await database.deliveries.put(a_delivery(attempts=1, due_at=None))
    await database.deliveries.put(a_delivery(body="{}"))
    assert await database.deliveries.get("a:1:request.completed") == a_delivery(attempts=1, due_at=None)


async def test_deliveries_are_announced_when_due(database: Database, clock: MovableClock) -> None:
    await database.deliveries.put(a_delivery("due"))
    await database.deliveries.put(a_delivery("later", due_at=NOW + timedelta(seconds=5)))
    await database.deliveries.put(a_delivery("ended", due_at=None))
    assert await _announced(database) == ["due"]
    clock.advance(5)
    assert await _announced(database) == ["later"]


async def test_a_due_delivery_is_announced_at_most_once_a_minute(database: Database, clock: MovableClock) -> None:
    await database.deliveries.put(a_delivery("due"))
    assert await _announced(database) == ["due"]
    clock.advance(59.999)
    assert await _announced(database) == []
    clock.advance(0.001)
    assert await _announced(database) == ["due"]


async def test_a_retry_within_the_minute_is_announced_when_due(database: Database, clock: MovableClock) -> None:
    await database.deliveries.put(a_delivery("due"))
    assert await _announced(database) == ["due"]
    await database.deliveries.claim("due", NOW + timedelta(seconds=30))
    await database.deliveries.record_attempt("due", 1, due_at=NOW + timedelta(seconds=5), delivered=False, error="503")
    clock.advance(5)
    assert await _announced(database) == ["due"]


async def test_no_more_deliveries_are_announced_than_the_limit(database: Database) -> None:
    for number in range(5):
        await database.deliveries.put(a_delivery(f"due-{number}"))
    first = await _announced(database, limit=3)
    rest = await _announced(database, limit=3)
    assert sorted([*first, *rest]) == [f"due-{number}" for number in range(5)]
    assert len(first) == 3


async def test_a_claimed_delivery_cannot_be_claimed_again_before_its_time(
    database: Database, clock: MovableClock
) -> None:
    await database.deliveries.put(a_delivery("due"))
    until = NOW + timedelta(seconds=30)
    assert await database.deliveries.claim("due", until) == a_delivery("due", due_at=until)
    assert await database.deliveries.claim("due", until) is None
    clock.advance(30)
    again = await database.deliveries.claim("due", until + timedelta(seconds=30))
    assert again == a_delivery("due", due_at=until + timedelta(seconds=30))


async def test_only_a_due_delivery_can_be_claimed(database: Database) -> None:
    await database.deliveries.put(a_delivery("later", due_at=NOW + timedelta(seconds=1)))
    await database.deliveries.put(a_delivery("ended", due_at=None))
    claims = [await database.deliveries.claim(name, NOW + timedelta(minutes=1)) for name in ("later", "ended", "none")]
    assert claims == [None, None, None]


async def test_of_concurrent_claims_one_succeeds(subject: Subject) -> None:
    await subject.database.deliveries.put(a_delivery("due"))
    other = await subject.connect()
    until = NOW + timedelta(seconds=30)
    claims = await asyncio.gather(
        *(database.deliveries.claim("due", until) for database in (subject.database, other) for _ in range(5))
    )
    assert len([claim for claim in claims if claim]) == 1


async def _record(database: Database, attempts: int, due_at: datetime | None, error: str | None) -> Delivery | None:
    await database.deliveries.record_attempt("due", attempts, due_at=due_at, delivered=error is None, error=error)
    return await database.deliveries.get("due")


async def test_attempts_are_recorded_in_order_and_once(database: Database) -> None:
    await database.deliveries.put(a_delivery("due"))
    later = NOW + timedelta(minutes=5)
    first = a_delivery("due", attempts=1, due_at=later, last_error="the receiver answered 503")
    assert await _record(database, 1, later, "the receiver answered 503") == first
    assert await _record(database, 1, None, None) == first
    assert await _record(database, 3, None, None) == first
    assert await _record(database, 2, None, None) == a_delivery("due", attempts=2, due_at=None, delivered=True)
