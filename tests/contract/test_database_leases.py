"""Leases: one process at a time, for a limited time."""

import asyncio

from tests.contract.conftest import Subject

SECONDS = 1.0
"""The time of the leases under test. On MongoDB it is real time, by the server's clock."""


async def test_a_lease_belongs_to_one_process(subject: Subject) -> None:
    other = await subject.connect()
    assert await subject.database.lease("sweep", 60).acquire()
    assert not await other.lease("sweep", 60).acquire()
    assert await other.lease("dispatch", 60).acquire()


async def test_a_lease_runs_out(subject: Subject) -> None:
    other = await subject.connect()
    assert await subject.database.lease("sweep", SECONDS).acquire()
    await subject.pass_time(SECONDS + 0.1)
    assert await other.lease("sweep", 60).acquire()
    assert not await subject.database.lease("sweep", 60).acquire()


async def test_a_renewed_lease_continues(subject: Subject) -> None:
    other = await subject.connect()
    lease = subject.database.lease("sweep", SECONDS)
    for _ in range(2):
        assert await lease.acquire()
        await subject.pass_time(0.6 * SECONDS)
    assert not await other.lease("sweep", SECONDS).acquire()


async def test_a_released_lease_is_free(subject: Subject) -> None:
    other = await subject.connect()
    lease = subject.database.lease("sweep", 60)
    assert await lease.acquire()
    await lease.release()
    assert await other.lease("sweep", 60).acquire()


async def test_a_process_cannot_release_the_lease_of_another(subject: Subject) -> None:
    other = await subject.connect()
    assert await subject.database.lease("sweep", 60).acquire()
    await other.lease("sweep", 60).release()
    assert not await other.lease("sweep", 60).acquire()


async def test_of_concurrent_processes_one_acquires_the_lease(subject: Subject) -> None:
    processes = [subject.database, *[await subject.connect() for _ in range(4)]]
    for name in (f"finish:{number}" for number in range(10)):
        taken = await asyncio.gather(*(process.lease(name, 60).acquire() for process in processes))
        assert taken.count(True) == 1
