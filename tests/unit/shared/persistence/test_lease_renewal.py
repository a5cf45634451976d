"""A lease is renewed in time, its loss is noticed, and it is released at the end."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from shared.persistence import RenewableLease, renewing
from tests.fakes import MemoryDatabase
from tests.support.waiting import until

SECONDS = 0.06


@pytest.fixture
def database() -> MemoryDatabase:
    return MemoryDatabase(lambda: datetime.now(UTC))


async def test_a_lease_is_renewed_while_the_block_runs_and_released_after_it(database: MemoryDatabase) -> None:
    lease = database.lease("work", SECONDS)
    other = database.another_process().lease("work", SECONDS)
    assert await lease.acquire()
    first = database.tables.leases["work"].until

    async with renewing(lease, SECONDS) as lost:
        await until(lambda: database.tables.leases["work"].until > first + timedelta(seconds=SECONDS))
        assert not await other.acquire()

    assert not lost.is_set()
    assert await other.acquire()


async def test_a_renewal_in_flight_at_the_end_does_not_outlive_the_release(
    database: MemoryDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with a driver that works in threads: cancelling its caller does not stop an operation that was sent."""
    lease = database.lease("work", SECONDS)
    other = database.another_process().lease("work", SECONDS)
    assert await lease.acquire()
    acquire, sent, may_arrive = lease.acquire, asyncio.Event(), asyncio.Event()

    async def arrive() -> bool:
        await may_arrive.wait()
        return await acquire()

    async def slow() -> bool:
        sent.set()
        return await asyncio.shield(arrive())

    monkeypatch.setattr(lease, "acquire", slow)
    async with renewing(lease, SECONDS):
        await sent.wait()
        asyncio.get_running_loop().call_later(0.02, may_arrive.set)

    await asyncio.sleep(0.04)  # to show that nothing arrives after the release
    assert database.tables.leases == {}
    assert await other.acquire()


async def test_a_lost_lease_is_reported_and_left_to_its_holder(database: MemoryDatabase) -> None:
    lease = database.lease("work", SECONDS)
    assert await lease.acquire()

    async with renewing(lease, SECONDS) as lost:
        database.tables.leases.clear()
        assert await database.another_process().lease("work", 100).acquire()
        await asyncio.wait_for(lost.wait(), 20)

    assert not await lease.acquire()


async def test_a_lost_lease_is_acquired_again_after_its_holder_released_it(database: MemoryDatabase) -> None:
    lease = database.lease("work", SECONDS)
    other = database.another_process().lease("work", 100)
    assert await lease.acquire()

    async with renewing(lease, SECONDS) as lost:
        database.tables.leases.clear()
        assert await other.acquire()
        await asyncio.wait_for(lost.wait(), 20)
        await other.release()
        await until(lambda: "work" in database.tables.leases)
        assert not await other.acquire()
        assert lost.is_set()

    assert database.tables.leases == {}


async def test_renewal_outlives_an_outage_of_the_database(database: MemoryDatabase) -> None:
    lease = database.lease("work", 0.03)
    assert await lease.acquire()

    async with renewing(lease, 0.03) as lost:
        database.available = False
        before = database.tables.lease_requests
        await until(lambda: database.tables.lease_requests >= before + 2)
        database.available = True
        ended = database.tables.leases["work"].until
        await until(lambda: database.tables.leases["work"].until > ended)

    assert not lost.is_set()


async def test_an_outage_at_the_end_of_the_block_is_no_error(database: MemoryDatabase) -> None:
    lease = database.lease("work", 100)
    assert await lease.acquire()

    async with renewing(lease, 100):
        database.available = False


async def test_a_renewable_lease_asks_the_database_once_in_a_third_of_its_time(database: MemoryDatabase) -> None:
    lease = RenewableLease(database.lease("work", 100), 100)
    assert await lease.held()

    database.available = False  # nothing asks the database now

    assert await lease.held()


async def test_a_renewable_lease_is_renewed_when_its_time_has_come(database: MemoryDatabase) -> None:
    lease = RenewableLease(database.lease("work", SECONDS), SECONDS)
    assert await lease.held()
    first = database.tables.leases["work"].until

    async def renewed() -> bool:
        return await lease.held() and database.tables.leases["work"].until > first

    await until(renewed)


async def test_a_renewable_lease_of_another_process_is_not_held(database: MemoryDatabase) -> None:
    assert await database.another_process().lease("work", 100).acquire()

    assert not await RenewableLease(database.lease("work", 100), 100).held()


async def test_a_released_lease_is_free_and_is_acquired_again(database: MemoryDatabase) -> None:
    lease = RenewableLease(database.lease("work", 100), 100)
    assert await lease.held()

    await lease.release()

    assert await database.another_process().lease("work", 100).acquire()
    assert not await lease.held()


async def test_the_lease_of_a_cancelled_block_runs_out_by_itself(
    database: MemoryDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease, entered = database.lease("work", SECONDS), asyncio.Event()
    assert await lease.acquire()
    first = database.tables.leases["work"].until

    async def hang() -> None:
        await asyncio.Event().wait()

    async def work() -> None:
        async with renewing(lease, SECONDS):
            entered.set()
            await asyncio.Event().wait()

    monkeypatch.setattr(lease, "release", hang)
    task = asyncio.create_task(work())
    await entered.wait()
    task.cancel()
    await asyncio.wait([task], timeout=1)
    assert task.cancelled()
    await asyncio.sleep(SECONDS)
    assert database.tables.leases["work"].until == first


@pytest.mark.parametrize("hangs", ["acquire", "release"])
async def test_a_database_that_hangs_does_not_hold_up_the_end(
    database: MemoryDatabase, monkeypatch: pytest.MonkeyPatch, hangs: str
) -> None:
    monkeypatch.setattr("shared.persistence.lease_renewal._END_SECONDS", 0.1)
    lease, called = database.lease("work", SECONDS), asyncio.Event()
    assert await lease.acquire()

    async def hang() -> bool:
        called.set()
        return await asyncio.Event().wait()

    monkeypatch.setattr(lease, hangs, hang)
    async with asyncio.timeout(5):
        async with renewing(lease, SECONDS):
            if hangs == "acquire":
                await called.wait()
        await RenewableLease(lease, SECONDS).release()
    assert called.is_set()
