"""Which hosts a request waits for, as its status tells it."""

from datetime import datetime, timedelta

from services.gateway.requests.paused_hosts import find_paused_hosts
from services.gateway.web.schemas import PausedHost
from shared.contracts.error_codes import ErrorCode
from shared.contracts.records import HostCircuit
from shared.contracts.states import ImageState
from tests.fakes import MemoryDatabase
from tests.support.builders import NOW, REQUEST_ID, an_image

LATER = NOW + timedelta(minutes=5)


async def a_database(**hosts: datetime | None) -> MemoryDatabase:
    """Three images of the request wait at b, one at a and at c; one at a has its end. Another request waits at d."""
    database = MemoryDatabase(lambda: NOW)
    await database.images.insert_many(
        [an_image(f"http://{host}/{number}.jpg") for number, host in enumerate("abbbc")]
        + [an_image("http://a/9.jpg", state=ImageState.FAILED, ended_at=NOW), an_image("http://d/1.jpg", "another")]
    )
    for host, until in hosts.items():
        record = HostCircuit(host, failures=3, pauses=1, paused_until=until, error_code=ErrorCode.TIMEOUT)
        await database.hosts.save(record, instead_of=None)
    return database


def waits(host: str, images: int, until: datetime | None = LATER) -> PausedHost:
    return PausedHost(host=host, images=images, until=until, error_code=ErrorCode.TIMEOUT)


async def test_hosts_left_alone_are_told_with_the_images_that_wait_the_most_first() -> None:
    database = await a_database(c=LATER, b=LATER, a=LATER, d=LATER, e=LATER)
    assert await find_paused_hosts(database, REQUEST_ID, NOW) == [waits("b", 3), waits("a", 1), waits("c", 1)]


async def test_after_its_pause_a_host_still_waits_but_for_no_certain_time() -> None:
    database = await a_database(a=NOW, b=LATER)
    assert await find_paused_hosts(database, REQUEST_ID, NOW) == [waits("b", 3), waits("a", 1, until=None)]


async def test_a_host_that_failed_but_is_not_left_alone_is_none() -> None:
    assert await find_paused_hosts(await a_database(a=None), REQUEST_ID, NOW) == []


async def test_a_request_waits_for_nothing_while_no_host_is_in_trouble() -> None:
    database = await a_database()
    assert await find_paused_hosts(database, REQUEST_ID, NOW) == []
