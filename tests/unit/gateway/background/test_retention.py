"""Retention over fakes: it removes everything of the requests that are due, and nothing else."""

from datetime import timedelta

import pytest

from services.gateway.background.retention import Retention
from shared.contracts.object_keys import upload_key
from shared.contracts.records import Delivery
from shared.contracts.states import RequestStatus
from shared.errors import StorageUnavailable
from shared.persistence import RenewableLease
from tests.fakes import MemoryDatabase, MemoryObjectStore, MovableClock
from tests.support.builders import NOW, a_product, a_request, an_image


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock(NOW)


@pytest.fixture
async def database(clock: MovableClock) -> MemoryDatabase:
    database = MemoryDatabase(clock)
    for request_id, finished_at in (("old", NOW - timedelta(days=8)), ("new", NOW - timedelta(days=6)), ("open", None)):
        status = RequestStatus.COMPLETED if finished_at else RequestStatus.PENDING
        await database.requests.insert(a_request(request_id, status=status, finished_at=finished_at))
        await database.images.insert_many([an_image(request_id=request_id)])
        await database.products.insert_many([a_product(1, (), request_id)])
        await database.deliveries.put(Delivery(f"{request_id}:1:done", request_id, "http://hook.test/", "{}", 1, None))
    return database


@pytest.fixture
async def store() -> MemoryObjectStore:
    store = MemoryObjectStore()
    for request_id in ("old", "new", "open"):
        for key in (upload_key(request_id), f"results/{request_id}/1.jpg", f"outputs/{request_id}/1/o.csv"):
            await store.put_bytes(key, b"x", "text/plain")
    return store


def a_retention(database: MemoryDatabase, store: MemoryObjectStore, clock: MovableClock, days: float = 7) -> Retention:
    return Retention(database, store, RenewableLease(database.lease("dispatch", 10), 10), days, clock)


async def test_everything_of_a_due_request_is_removed_and_nothing_else(
    database: MemoryDatabase, store: MemoryObjectStore, clock: MovableClock
) -> None:
    await a_retention(database, store, clock).step()
    tables = database.tables
    assert set(tables.requests) == {"new", "open"}
    assert {key[0] for key in [*tables.images, *tables.products]} == {"new", "open"}
    assert set(tables.deliveries) == {"new:1:done", "open:1:done"}
    assert not [key for key in store.objects if "old" in key]
    assert len(store.objects) == 6


async def test_with_zero_days_nothing_is_removed(
    database: MemoryDatabase, store: MemoryObjectStore, clock: MovableClock
) -> None:
    clock.advance(10 * 365 * 86400)
    await a_retention(database, store, clock, days=0).step()
    assert len(database.tables.requests) == 3
    assert len(store.objects) == 9


async def test_the_record_of_a_request_is_kept_until_its_objects_are_removed(
    database: MemoryDatabase, store: MemoryObjectStore, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    retention = a_retention(database, store, clock)

    async def unavailable(*_: object) -> None:
        raise StorageUnavailable("the store does not answer")

    with monkeypatch.context() as broken:
        broken.setattr(store, "delete", unavailable)
        with pytest.raises(StorageUnavailable):
            await retention.step()
    assert "old" in database.tables.requests
    await retention.step()
    assert "old" not in database.tables.requests


async def test_without_the_lease_nothing_is_removed(
    database: MemoryDatabase, store: MemoryObjectStore, clock: MovableClock
) -> None:
    assert await database.another_process().lease("dispatch", 10).acquire()
    await a_retention(database, store, clock).step()
    assert "old" in database.tables.requests
