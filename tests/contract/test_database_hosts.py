"""Host circuits, and the images that wait for their hosts."""

from dataclasses import replace
from datetime import timedelta

from shared.contracts.error_codes import ErrorCode
from shared.contracts.records import HostCircuit
from shared.contracts.states import ImageState
from shared.persistence import Database
from tests.fakes import MovableClock
from tests.support.builders import NOW, an_image

ONE = HostCircuit("one.test", failures=1, pauses=0, paused_until=None, error_code=ErrorCode.CONNECT)
PAUSED = replace(ONE, host="paused.test:8080", failures=10, pauses=1, paused_until=NOW + timedelta(seconds=30))


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


async def test_a_removed_circuit_is_not_restored_by_a_writer_who_read_it_before(database: Database) -> None:
    assert await database.hosts.save(PAUSED, instead_of=None)
    assert await database.hosts.remove(PAUSED.host)
    assert not await database.hosts.remove(PAUSED.host)
    assert not await database.hosts.save(replace(PAUSED, failures=11), instead_of=PAUSED)
    assert await database.hosts.not_closed() == []


async def test_pending_images_are_counted_and_read_by_host(database: Database, clock: MovableClock) -> None:
    urls = [f"http://{host}/{number}" for host in ("a.test", "b.test", "c.test") for number in range(3)]
    await database.images.insert_many([an_image(url, "r1") for url in urls])
    clock.advance(1)
    await database.images.insert_many([an_image("http://a.test/later", "r1")])
    await database.images.insert_many([an_image("http://a.test/done", "r1", state=ImageState.COMPRESSED)])
    await database.images.insert_many([an_image("http://d.test/other", "r2")])
    sent = await database.images.due_at_hosts("r1", ["c.test"], 1)
    await database.images.mark_dispatched(sent)

    hosts = ["a.test", "c.test", "d.test", "e.test"]
    assert await database.images.count_pending_at_hosts("r1", hosts) == {"a.test": 4, "c.test": 2}
    assert await database.images.hosts_with_pending(hosts) == {"a.test", "c.test", "d.test"}
    assert await database.images.hosts_with_pending([]) == set()
    due = await database.images.due_at_hosts("r1", ["a.test", "c.test"], 10)
    assert [image.url for image in due][-1] == "http://a.test/later"
    assert len(due) == 6
    assert len(await database.images.due_at_hosts("r1", ["a.test"], 2)) == 2
    clock.advance(-1)
    assert len(await database.images.due_at_hosts("r1", ["a.test"], 10)) == 3
