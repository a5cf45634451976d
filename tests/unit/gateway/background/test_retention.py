"""Retention over fakes: it removes everything of the requests that have expired, and nothing else."""

from collections.abc import Iterable
from datetime import timedelta

import pytest
from prometheus_client import CollectorRegistry

from services.gateway.background.parts import BackgroundParts
from services.gateway.background.retention import Retention
from shared.contracts.object_keys import upload_key
from shared.contracts.states import RequestStatus
from shared.errors import StorageUnavailable
from shared.observability import Metrics
from shared.persistence import RenewableLease
from shared.storage import prefixes
from tests.fakes import MemoryDatabase, MemoryObjectStore, MovableClock
from tests.support.builders import NOW, a_delivery, a_product, a_request, an_image
from tests.support.recording_publisher import RecordingPublisher


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock(NOW)


@pytest.fixture
async def database(clock: MovableClock) -> MemoryDatabase:
    database = MemoryDatabase(clock)
    for request_id, expires_in in (("old", -1), ("new", 1), ("kept", None), ("open", None)):
        status = RequestStatus.PENDING if request_id == "open" else RequestStatus.COMPLETED
        expires_at = None if expires_in is None else NOW + timedelta(days=expires_in)
        await database.requests.insert(a_request(request_id, status=status, expires_at=expires_at))
        await database.images.insert_many([an_image(request_id=request_id)])
        await database.products.insert_many([a_product(1, (), request_id)])
        await database.deliveries.put(a_delivery(f"{request_id}:1:done", due_at=None))
    return database


@pytest.fixture
async def store() -> MemoryObjectStore:
    store = MemoryObjectStore()
    for request_id in ("old", "new", "kept", "open"):
        for key in (upload_key(request_id), f"results/{request_id}/1.jpg", f"outputs/{request_id}/1/o.csv"):
            await store.put_bytes(key, b"x", "text/plain")
    return store


def a_retention(database: MemoryDatabase, store: MemoryObjectStore, clock: MovableClock) -> Retention:
    parts = BackgroundParts(database, RecordingPublisher().publish, clock, Metrics(CollectorRegistry()))
    return Retention(parts, store, RenewableLease(database.lease("dispatch", 10), 10), default_days=30, interval=5)


async def test_everything_of_an_expired_request_is_removed_and_nothing_else(
    database: MemoryDatabase, store: MemoryObjectStore, clock: MovableClock
) -> None:
    steps = a_retention(database, store, clock)
    while await steps.step() == 0:
        pass
    tables = database.tables
    remaining = {"new", "kept", "open"}
    assert set(tables.requests) == remaining
    assert {key[0] for key in [*tables.images, *tables.products]} == remaining
    assert set(tables.deliveries) == {f"{request_id}:1:done" for request_id in remaining}
    assert not [key for key in store.objects if "old" in key]
    assert len(store.objects) == 9


async def test_a_step_removes_a_bounded_number_of_objects(
    database: MemoryDatabase, store: MemoryObjectStore, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prefixes, "_MAX_DELETED_AT_ONCE", 10)
    for number in range(25):
        await store.put_bytes(f"results/old/{number}.jpg", b"x", "image/jpeg")
    steps = a_retention(database, store, clock)
    left = []
    while await steps.step() == 0:
        left.append(len([key for key in store.objects if key.startswith("results/old/")]))
    assert left == [15, 5, 0, 0, 0, 0]


async def test_the_record_of_a_request_is_kept_until_its_objects_are_removed(
    database: MemoryDatabase, store: MemoryObjectStore, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = a_retention(database, store, clock)

    async def unavailable(*_: object) -> None:
        raise StorageUnavailable("the store does not answer")

    with monkeypatch.context() as broken:
        broken.setattr(store, "delete", unavailable)
        with pytest.raises(StorageUnavailable):
            await steps.step()
    assert "old" in database.tables.requests
    while await steps.step() == 0:
        pass
    assert "old" not in database.tables.requests


async def test_without_the_lease_nothing_is_removed(
    database: MemoryDatabase, store: MemoryObjectStore, clock: MovableClock
) -> None:
    assert await database.another_process().lease("dispatch", 10).acquire()
    await a_retention(database, store, clock).step()
    assert "old" in database.tables.requests


async def test_a_request_is_removed_after_the_last_attempt_of_its_webhook(
    database: MemoryDatabase, store: MemoryObjectStore, clock: MovableClock
) -> None:
    database.tables.deliveries["old:1:done"] = a_delivery("old:1:done", due_at=NOW + timedelta(days=2))
    steps = a_retention(database, store, clock)
    assert await steps.step() > 0
    assert "old" in database.tables.requests
    database.tables.deliveries["old:1:done"] = a_delivery("old:1:done", due_at=None)
    while await steps.step() == 0:
        pass
    assert "old" not in database.tables.requests


async def test_a_request_whose_webhook_is_pending_does_not_keep_others(
    database: MemoryDatabase, store: MemoryObjectStore, clock: MovableClock
) -> None:
    database.tables.deliveries["old:1:done"] = a_delivery("old:1:done", due_at=NOW + timedelta(days=2))
    clock.advance(timedelta(days=1).total_seconds())
    steps = a_retention(database, store, clock)
    while await steps.step() == 0:
        pass
    assert set(database.tables.requests) == {"old", "kept", "open"}


async def test_a_request_that_cannot_be_removed_delays_no_other(
    database: MemoryDatabase, store: MemoryObjectStore, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock.advance(2 * 24 * 3600)  # "new" has expired too, after "old"
    delete = store.delete

    async def refusing(keys: Iterable[str]) -> None:
        keys = list(keys)
        if any("old" in key for key in keys):
            raise ValueError("a bug")
        await delete(keys)

    monkeypatch.setattr(store, "delete", refusing)
    steps = a_retention(database, store, clock)
    for _ in range(10):
        await steps.step()
    assert set(database.tables.requests) == {"old", "kept", "open"}
