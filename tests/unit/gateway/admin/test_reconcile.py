"""Reconciling over fakes: what belongs to no request is found and removed, and nothing else."""

from dataclasses import replace
from datetime import timedelta

import pytest
from ulid import ULID

from services.gateway.admin.reconcile import REMOVED, Discrepancy, Kind, Reconciler
from shared.contracts.object_keys import upload_key
from shared.contracts.records import Progress
from shared.contracts.states import ImageState
from tests.fakes import MemoryDatabase, MemoryObjectStore, MovableClock
from tests.support.builders import NOW, a_delivery, a_product, a_request, a_result, an_announcement, an_image, finished

HOUR = timedelta(hours=1)
DONE = Progress(total=1, compressed=1, failed=0, pending=0, as_of=NOW - 2 * HOUR)
IDS = [str(ULID.from_datetime(NOW - timedelta(days=number))) for number in range(1, 6)]
GOOD, OPEN, EMPTY, PARTIAL, GONE = IDS
YOUNG = str(ULID.from_datetime(NOW))


class Fixture:
    def __init__(self) -> None:
        self.database = MemoryDatabase(MovableClock(NOW))
        self.store = MemoryObjectStore()

    async def put(self, *keys: str) -> None:
        for key in keys:
            await self.store.put_bytes(key, b"x", "text/plain")

    async def finish(self, request_id: str) -> list[str]:
        """Returns the keys of the request's objects, which are not stored."""
        request = a_request(request_id, intake_open=False)
        await self.database.requests.insert(request)
        key = f"results/{request_id}/a-1.jpg"
        compressed = an_image(
            request_id=request_id, state=ImageState.COMPRESSED, result=a_result(key=key), ended_at=NOW
        )
        await self.database.images.insert_many([compressed])
        ended = replace(finished(request, DONE), failed_key=None)
        assert await self.database.requests.finish(ended, an_announcement(ended))
        await self.database.requests.remove_announcement(request_id, an_announcement(ended).event_id)
        assert ended.output_key
        assert ended.report_key
        assert ended.report_json_key
        outputs = [ended.output_key, ended.report_key, ended.report_json_key]
        return [upload_key(request_id), f"results/{request_id}/a-1.jpg", *outputs]

    async def find(self) -> set[Discrepancy]:
        return {each async for each in Reconciler(self.database, self.store, NOW, HOUR).find()}

    async def remove(self) -> None:
        reconciler = Reconciler(self.database, self.store, NOW, HOUR)
        for each in [each async for each in reconciler.find() if each.kind in REMOVED]:
            await reconciler.remove(each)


@pytest.fixture
async def fixture() -> Fixture:
    fixture = Fixture()
    await fixture.put(*await fixture.finish(GOOD))
    await fixture.database.requests.insert(a_request(OPEN))
    await fixture.put(upload_key(OPEN), f"originals/{OPEN}/a-1")
    await fixture.put(upload_key(YOUNG), f"originals/{YOUNG}/a-1")
    return fixture


async def test_nothing_is_found_where_records_and_objects_match(fixture: Fixture) -> None:
    objects = set(fixture.store.objects)
    assert await fixture.find() == set()
    await fixture.remove()
    assert set(fixture.store.objects) == objects


async def test_objects_without_a_request_are_removed(fixture: Fixture) -> None:
    before = set(fixture.store.objects)
    await fixture.put(upload_key(GONE), f"originals/{GONE}/a-1", f"results/{GONE}/a.jpg", f"outputs/{GONE}/1/a.csv")
    assert await fixture.find() == {Discrepancy(Kind.OBJECTS_WITHOUT_REQUEST, GONE, 4)}
    assert len(fixture.store.objects) == len(before) + 4, "finding changes nothing"
    await fixture.remove()
    assert set(fixture.store.objects) == before


async def test_records_without_a_request_are_removed(fixture: Fixture) -> None:
    database = fixture.database
    await database.images.insert_many([an_image(request_id=GONE), an_image(request_id=YOUNG)])
    await database.products.insert_many([a_product(1, (), GONE)])
    await database.deliveries.put(a_delivery(f"{GONE}:1:done"))
    assert await fixture.find() == {Discrepancy(Kind.RECORDS_WITHOUT_REQUEST, GONE)}
    await fixture.remove()
    assert {key[0] for key in database.tables.images} == {GOOD, YOUNG}
    assert not database.tables.products
    assert not database.tables.deliveries


async def test_a_finished_request_without_objects_expires(fixture: Fixture) -> None:
    await fixture.finish(EMPTY)
    await fixture.put(upload_key(EMPTY))
    assert await fixture.find() == {Discrepancy(Kind.REQUEST_WITHOUT_OBJECTS, EMPTY, 4)}
    await fixture.remove()
    assert [each async for each in fixture.database.requests.expired()] == [EMPTY]


async def test_a_request_with_some_objects_is_reported_and_kept(fixture: Fixture) -> None:
    keys = await fixture.finish(PARTIAL)
    await fixture.put(*(key for key in keys if not key.startswith("results/")))
    assert await fixture.find() == {Discrepancy(Kind.MISSING_OBJECTS, PARTIAL, 1)}
    await fixture.remove()
    assert [each async for each in fixture.database.requests.expired()] == []


async def test_a_result_in_excess_does_not_hide_a_missing_one(fixture: Fixture) -> None:
    keys = await fixture.finish(PARTIAL)
    await fixture.put(*(key for key in keys if not key.startswith("results/")), f"results/{PARTIAL}/stray.jpg")
    assert await fixture.find() == {
        Discrepancy(Kind.MISSING_OBJECTS, PARTIAL, 1),
        Discrepancy(Kind.UNUSED_OBJECTS, PARTIAL, 1),
    }
    await fixture.remove()
    assert f"results/{PARTIAL}/stray.jpg" in fixture.store.objects


async def test_a_database_and_a_store_that_do_not_match_are_doubtful(fixture: Fixture) -> None:
    async def doubtful(database: MemoryDatabase, store: MemoryObjectStore) -> bool:
        reconciler = Reconciler(database, store, NOW, HOUR)
        return reconciler.is_doubtful([each async for each in reconciler.find()])

    assert not await doubtful(fixture.database, fixture.store)
    assert await doubtful(Fixture().database, fixture.store), "every object is without a request"
    assert await doubtful(fixture.database, Fixture().store), "every request is without objects"


@pytest.mark.parametrize("key", ["notes.txt", "results/a", "uploads/x/y.csv", "backup/results/a/b.jpg"])
async def test_an_object_of_unknown_kind_is_reported_and_kept(fixture: Fixture, key: str) -> None:
    await fixture.put(key)
    assert await fixture.find() == {Discrepancy(Kind.UNKNOWN_OBJECT, key)}
    await fixture.remove()
    assert key in fixture.store.objects


async def test_objects_with_unknown_owner_ids_are_kept(fixture: Fixture) -> None:
    await fixture.put("results/not-an-id/a.jpg")
    assert await fixture.find() == set()
