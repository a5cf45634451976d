"""The paused hosts in the status of a request."""

from collections.abc import Collection
from datetime import datetime, timedelta

import pytest

from services.gateway.requests.paused_hosts import PausedHosts
from services.gateway.web import PausedHost
from shared.contracts.error_codes import ErrorCode
from shared.contracts.records import HostCircuit
from shared.contracts.states import ImageState
from tests.fakes import MemoryDatabase
from tests.support.builders import NOW, REQUEST_ID, an_image

LATER = NOW + timedelta(minutes=5)


async def a_database(**hosts: datetime | None) -> MemoryDatabase:
    """The request has pending images at a (1), b (3) and c (1), and a failed one at a. Another request has one at d."""
    database = MemoryDatabase(lambda: NOW)
    await database.images.insert_many(
        [an_image(f"http://{host}/{number}.jpg") for number, host in enumerate("abbbc")]
        + [an_image("http://a/9.jpg", state=ImageState.FAILED, ended_at=NOW), an_image("http://d/1.jpg", "another")]
    )
    for host, until in hosts.items():
        record = HostCircuit(host, failures=3, pauses=1, paused_until=until, error_code=ErrorCode.TIMEOUT)
        await database.hosts.save(record, instead_of=None)
    return database


def paused(host: str, images: int, until: datetime | None = LATER) -> PausedHost:
    return PausedHost(host=host, images=images, until=until, error_code=ErrorCode.TIMEOUT)


async def test_paused_hosts_are_listed_by_their_number_of_pending_images() -> None:
    database = await a_database(c=LATER, b=LATER, a=LATER, d=LATER, e=LATER)
    assert await PausedHosts(database).of_request(REQUEST_ID, NOW) == [
        paused("b", 3),
        paused("a", 1),
        paused("c", 1),
    ]


async def test_a_host_with_a_half_open_circuit_is_listed_without_a_time() -> None:
    database = await a_database(a=NOW, b=LATER)
    assert await PausedHosts(database).of_request(REQUEST_ID, NOW) == [
        paused("b", 3),
        paused("a", 1, until=None),
    ]


async def test_a_host_with_failures_and_a_closed_circuit_is_not_listed() -> None:
    assert await PausedHosts(await a_database(a=None)).of_request(REQUEST_ID, NOW) == []


async def test_without_circuits_the_list_is_empty() -> None:
    database = await a_database()
    assert await PausedHosts(database).of_request(REQUEST_ID, NOW) == []


async def test_images_are_counted_once_in_two_seconds_however_often_a_client_asks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    database, seconds, counted = await a_database(a=LATER), [0.0], []
    count = database.images.count_pending_at_hosts

    async def slow_count(request_id: str, hosts: Collection[str]) -> dict[str, int]:
        counted.append(seconds[0])
        seconds[0] += 0.5
        return await count(request_id, hosts)

    monkeypatch.setattr(database.images, "count_pending_at_hosts", slow_count)
    hosts = PausedHosts(database, lambda: seconds[0])
    for _ in range(10):
        assert await hosts.of_request(REQUEST_ID, NOW) == [paused("a", 1)]
    seconds[0] += 5.1
    await hosts.of_request(REQUEST_ID, NOW)
    assert counted == [0.0, 5.6], "ten times the duration of a count later"
