"""Host circuits, and the images that wait for their hosts."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from shared.contracts.error_codes import ErrorCode
from shared.contracts.records import HostCircuit
from shared.contracts.states import ImageState
from shared.persistence import Database
from tests.fakes import MovableClock
from tests.support.builders import NOW, an_image
from tests.support.worker_messages import compressed, deferred

ONE = HostCircuit("one.test", failures=1, pauses=0, paused_until=None, error_code=ErrorCode.CONNECT)
PAUSED = replace(
    ONE,
    host="paused.test:8080",
    failures=10,
    pauses=1,
    paused_until=NOW + timedelta(seconds=30),
    paused_since=NOW - timedelta(seconds=5),
    last_fault_at=NOW,
)


async def test_circuits_are_read_as_written(database: Database) -> None:
    assert await database.hosts.get(ONE.host) is None
    assert await database.hosts.save(ONE, instead_of=None)
    assert await database.hosts.save(PAUSED, instead_of=None)
    assert await database.hosts.get(ONE.host) == ONE
    assert sorted(await database.hosts.circuits(), key=lambda host: host.host) == [ONE, PAUSED]
    assert await database.hosts.not_closed() == [PAUSED]


async def test_of_two_writers_who_read_the_same_record_one_writes(database: Database) -> None:
    assert await database.hosts.save(ONE, instead_of=None)
    assert not await database.hosts.save(replace(ONE, failures=7), instead_of=None)
    assert await database.hosts.save(replace(ONE, failures=2), instead_of=ONE)
    assert not await database.hosts.save(replace(ONE, failures=3), instead_of=ONE)
    assert await database.hosts.get(ONE.host) == replace(ONE, failures=2)


async def test_a_late_success_does_not_end_a_pause(database: Database, clock: MovableClock) -> None:
    until = clock() + timedelta(seconds=30)
    paused = replace(PAUSED, paused_until=until)
    assert await database.hosts.save(paused, instead_of=None)
    clock.advance(29.999)
    assert not await database.hosts.close(paused.host)
    assert await database.hosts.not_closed() == [paused]
    clock.advance(0.001)
    assert await database.hosts.close(paused.host)
    assert await database.hosts.circuits() == []


async def test_a_closed_circuit_is_not_restored_by_a_writer_who_read_it_before(
    database: Database, clock: MovableClock
) -> None:
    assert await database.hosts.save(PAUSED, instead_of=None)
    clock.advance(7 * 86_400)
    assert await database.hosts.close(PAUSED.host)
    assert not await database.hosts.close(PAUSED.host)
    assert not await database.hosts.save(replace(PAUSED, failures=11), instead_of=PAUSED)
    assert await database.hosts.not_closed() == []


async def test_pending_images_are_counted_and_read_by_host(database: Database, clock: MovableClock) -> None:
    urls = [f"http://{host}/{number}" for host in ("a.test", "b.test", "c.test") for number in range(3)]
    await database.images.insert_many([an_image(url, "r1") for url in urls])
    clock.advance(1)
    await database.images.insert_many([an_image("http://a.test/later", "r1")])
    await database.images.insert_many([an_image("http://a.test/done", "r1", state=ImageState.COMPRESSED)])
    await database.images.insert_many([an_image("http://d.test/other", "r2")])
    await database.images.mark_dispatched([an_image("http://c.test/0", "r1")])

    hosts = ["a.test", "c.test", "d.test", "e.test"]
    assert await database.images.count_pending_at_hosts("r1", hosts) == {"a.test": 4, "c.test": 2}
    assert await database.images.hosts_with_pending(hosts) == {"a.test", "c.test", "d.test"}
    assert await database.images.hosts_with_pending([]) == set()


async def test_images_expire_at_a_host_by_their_deadline_or_without_one_by_their_wait(
    database: Database, clock: MovableClock
) -> None:
    first = [an_image(f"http://a.test/{number}", f"r{number}") for number in range(4)]
    await database.images.insert_many([*first, an_image("http://b.test/1", "r1")])
    for image in first[:2]:
        await database.images.record(deferred(image, delay=0), deadline=NOW + timedelta(hours=1))
    await database.images.record(deferred(first[2], delay=0, counts=False), deadline=NOW)
    clock.advance(1)
    await database.images.record(deferred(first[0], dispatch=2, delay=3600), deadline=NOW + timedelta(hours=9))
    await database.images.record(compressed(first[1], dispatch=2))
    await database.images.insert_many([an_image("http://a.test/later", "r1")])

    async def expired(minutes: float, since: timedelta | None, limit: int = 10) -> set[str]:
        found = await database.images.expired(
            "a.test",
            deadline_by=NOW + timedelta(minutes=minutes),
            untried_since=None if since is None else NOW + since,
            limit=limit,
        )
        return {image.url.removeprefix("http://a.test/") for image in found}

    assert await expired(59, None) == set()
    assert await expired(60, None) == {"0"}
    assert await expired(60, timedelta(0)) == {"0", "2", "3"}
    assert await expired(59, timedelta(seconds=1)) == {"2", "3", "later"}
    assert len(await expired(60, timedelta(seconds=1), limit=2)) == 2


async def test_the_first_try_at_the_host_sets_the_deadline_and_no_later_one_moves_it(database: Database) -> None:
    image, minutes = an_image(), [timedelta(minutes=minute) for minute in range(5)]
    await database.images.insert_many([image])
    runs: list[tuple[dict[str, Any], datetime | None]] = [
        ({"counts": False}, None),  # waited for us
        ({"original_key": "originals/r/1"}, None),  # the host sent it, and then we failed
        ({"counts": False, "host_fault": True}, NOW + minutes[2]),
        ({}, NOW + minutes[2]),
        ({"counts": False}, NOW + minutes[2]),
    ]
    for dispatch, (changes, expected) in enumerate(runs):
        recorded = await database.images.record(
            deferred(image, dispatch=dispatch + 1, delay=0, **changes), deadline=NOW + minutes[dispatch]
        )
        assert recorded.image is not None
        assert recorded.image.deadline == expected
