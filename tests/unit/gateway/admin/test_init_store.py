"""When a store is made, marked, or refused."""

import pytest

from services.gateway.admin.init_store import StoreLost, init_store
from shared.contracts.states import RequestStatus
from shared.storage import StoreState
from tests.fakes import MemoryDatabase, MemoryObjectStore, MovableClock
from tests.support.builders import NOW, a_request


@pytest.fixture
def database() -> MemoryDatabase:
    return MemoryDatabase(MovableClock(NOW))


@pytest.fixture
def store() -> MemoryObjectStore:
    store = MemoryObjectStore()
    store.made = False
    return store


async def test_a_new_installation_gets_an_empty_store_once(store: MemoryObjectStore, database: MemoryDatabase) -> None:
    assert "made" in await init_store(store, database, accept_loss=False)
    assert await store.state() is StoreState.MADE
    await database.requests.insert(a_request())
    assert "exists already" in await init_store(store, database, accept_loss=False)


async def test_objects_of_an_earlier_version_are_kept(store: MemoryObjectStore, database: MemoryDatabase) -> None:
    store.made = True
    await store.put_bytes("uploads/a.csv", b"x", "text/csv")
    store.made = False
    await database.requests.insert(a_request())
    assert "kept" in await init_store(store, database, accept_loss=False)
    assert await store.get_bytes("uploads/a.csv") == b"x"


@pytest.mark.parametrize("status", [RequestStatus.PENDING, RequestStatus.COMPLETED, RequestStatus.FAILED])
async def test_the_lost_store_of_recorded_requests_is_not_replaced(
    store: MemoryObjectStore, database: MemoryDatabase, status: RequestStatus
) -> None:
    await database.requests.insert(a_request(status=status))
    with pytest.raises(StoreLost):
        await init_store(store, database, accept_loss=False)
    assert await store.state() is StoreState.ABSENT
    assert "empty" in await init_store(store, database, accept_loss=True)
    assert await store.state() is StoreState.MADE
