"""Deleting all objects under a prefix, in calls of bounded size."""

import pytest

from shared.storage import delete_all, delete_some, prefixes
from tests.fakes import MemoryObjectStore


@pytest.fixture
async def store(monkeypatch: pytest.MonkeyPatch) -> MemoryObjectStore:
    monkeypatch.setattr(prefixes, "_MAX_DELETED_AT_ONCE", 10)
    store = MemoryObjectStore()
    for key in [*(f"results/a/{number}" for number in range(25)), "results/b/1"]:
        await store.put_bytes(key, b"x", "image/jpeg")
    return store


async def test_each_call_deletes_a_bounded_number_and_returns_it(store: MemoryObjectStore) -> None:
    assert [await delete_some(store, "results/a/") for _ in range(4)] == [10, 10, 5, 0]
    assert set(store.objects) == {"results/b/1"}


async def test_all_objects_of_a_prefix_are_deleted_and_no_others(store: MemoryObjectStore) -> None:
    await delete_all(store, "results/a/")
    assert set(store.objects) == {"results/b/1"}
