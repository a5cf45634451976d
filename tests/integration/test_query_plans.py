"""Every query uses an index and reads little more than it returns, by the server's profiler."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.database import Database as RawDatabase

from deploy.local.servers import Servers
from services.gateway.requests import PausedHosts
from shared.contracts.error_codes import ErrorCode
from shared.contracts.records import HostCircuit, Progress
from shared.contracts.states import ImageState
from shared.persistence import LOOK_AHEAD, MAX_HOSTS, Database, open_database
from shared.persistence.documents import Document
from shared.settings import MongoSettings
from tests.fakes import MovableClock
from tests.support.builders import NOW, a_product, a_request, an_image
from tests.support.database_calls import CALLS, DELIVERY
from tests.support.servers import fresh_database
from tests.support.worker_messages import compressed, deferred

REQUESTS = [f"request-{number}" for number in range(4)]
IMAGES = 1000
"""Per request: three quarters are in terminal states, a few are dispatched, the others are due tomorrow.

As many others lost a worker and are due.
"""

LOST = "a-deadly.test"
"""Their host, which comes before the others."""

PENDING = IMAGES // 4
SEEKS = 10
"""A few keys more: where a scan begins, and one of each number of lost workers."""

NO_QUERY = {"ping", "requests.insert", "products.insert_many", "images.insert_many"}
COUNTING = {
    "images.count",
    "requests.current",
    "images.dispatched",
    "images.return_lost",
    "images.count_pending",
}
"""These read the index entries of what they count; the other methods read a few, whatever the number of documents."""


@pytest.fixture(scope="module")
def url(servers: Servers) -> str:
    return fresh_database(servers.mongodb_url)


@pytest.fixture(scope="module")
async def populated(url: str) -> AsyncIterator[Database]:
    clock = MovableClock(NOW)
    async with open_database(MongoSettings(mongodb_url=url), asyncio.Event(), clock) as database:
        clock.advance(24 * 3600)
        for request_id in REQUESTS:
            await _populate(database, request_id)
        clock.advance(-24 * 3600)
        for request_id in REQUESTS:
            lost = [an_image(f"http://{LOST}/{number}", request_id, losses=1) for number in range(IMAGES)]
            await database.images.insert_many(lost)
        await database.requests.insert(a_request("a", intake_open=False))
        await database.images.insert_many([an_image(request_id="a")])
        await database.products.insert_many([a_product(row, (), "a") for row in range(1, 4)])
        yield database


async def _populate(database: Database, request_id: str) -> None:
    cycle = [ImageState.COMPRESSED] * 10 + [ImageState.FAILED] * 5 + [ImageState.PENDING] * 5
    images = [
        an_image(f"http://host-{number % 20}/{number}", request_id, state=cycle[number % len(cycle)])
        for number in range(IMAGES)
    ]
    await database.requests.insert(a_request(request_id, intake_open=False))
    await database.images.insert_many(images)
    pending = [image for image in images if image.state is ImageState.PENDING]
    await database.images.mark_dispatched(pending[:20])
    await database.products.insert_many([a_product(row, (), request_id) for row in range(1, 201)])
    for number in range(100):
        delivery = replace(
            DELIVERY, delivery_id=f"{request_id}:{number}", due_at=NOW + timedelta(days=number + 1), replay_at=None
        )
        await database.deliveries.put(delivery)


@contextmanager
def _profiled(url: str) -> Iterator[list[Document]]:
    """Yields a list; after the block it contains the server's operations on the database under test."""
    seen: list[Document] = []
    with MongoClient[Document](url) as client:
        raw: RawDatabase[Document] = client.get_default_database()
        raw.command({"profile": 0})
        raw["system.profile"].drop()
        raw.command({"profile": 2})
        yield seen
        raw.command({"profile": 0})
        seen += raw["system.profile"].find({"appName": "imagemill", "op": {"$ne": "insert"}})


@pytest.mark.parametrize("name", [name for name in CALLS if name not in NO_QUERY])
async def test_every_query_uses_an_index_and_reads_little(populated: Database, url: str, name: str) -> None:
    await populated.deliveries.put(DELIVERY)
    call: Callable[[Database], Awaitable[object]] = CALLS[name]
    with _profiled(url) as operations:
        await call(populated)
    assert operations
    for operation in operations:
        plan = operation.get("planSummary", "no plan")
        assert plan != "no plan", operation
        assert "COLLSCAN" not in plan, operation
        if name not in COUNTING:
            assert operation["keysExamined"] <= 30, operation
        assert operation["docsExamined"] <= 100, operation


@pytest.mark.parametrize(
    "filters", [{"without_losses": True}, {"without_losses": True, "without_hosts": ["x"]}], ids=str
)
async def test_images_that_must_be_processed_alone_are_skipped(
    populated: Database, url: str, filters: dict[str, Any]
) -> None:
    with _profiled(url) as operations:
        assert await populated.images.due(REQUESTS[0], 10, **filters) == []
        assert await populated.images.due_by_host(REQUESTS[0], 10, without_hosts=["x"], without_losses=True) == []
        assert await populated.images.due_at_hosts(REQUESTS[0], 10, hosts=["x"], without_losses=True) == []
    assert len(operations) == 3
    for operation in operations:
        assert operation["keysExamined"] <= PENDING + SEEKS
        assert operation["docsExamined"] == 0


async def test_images_of_many_hosts_are_read_in_order_without_a_sort(populated: Database, url: str) -> None:
    hosts = [f"merged-{number}" for number in range(MAX_HOSTS)]
    images = [an_image(f"http://{hosts[n % MAX_HOSTS]}/{n}", "merged", position=n) for n in range(50 * MAX_HOSTS)]
    await populated.images.insert_many(images)
    with _profiled(url) as operations:
        found = await populated.images.due_at_hosts("merged", 128, hosts=hosts)
    assert [image.position for image in found] == list(range(128))
    assert not any(operation.get("hasSortStage") for operation in operations)
    assert sum(operation["docsExamined"] for operation in operations) <= 2 * 128


async def test_the_expired_images_of_a_host_are_found_whatever_number_of_requests_waits(
    populated: Database, url: str
) -> None:
    images = [an_image(f"http://dead.test/{number}", f"waiting-{number}") for number in range(300)]
    await populated.images.insert_many(images)
    for image in images[:3]:
        await populated.images.record(deferred(image, delay=3600), deadline=NOW + timedelta(hours=1))
    with _profiled(url) as operations:
        for deadline_by, untried_since, found in (
            (NOW, None, 0),
            (NOW + timedelta(hours=1), NOW - timedelta(seconds=1), 3),
            (NOW + timedelta(hours=1), NOW, 10),
        ):
            assert found == len(
                await populated.images.expired(
                    "dead.test", deadline_by=deadline_by, untried_since=untried_since, limit=10
                )
            )
    assert len(operations) == 5
    for operation in operations:
        assert operation["keysExamined"] <= 11
        assert operation["docsExamined"] <= 10


async def test_polls_of_a_status_count_the_images_of_paused_hosts_once(populated: Database, url: str) -> None:
    circuit = HostCircuit("host-16", 10, 1, NOW + timedelta(hours=1), ErrorCode.CONNECT)
    await populated.hosts.save(circuit, instead_of=None)
    hosts = PausedHosts(populated, lambda: 0.0)
    with _profiled(url) as operations:
        for _ in range(10):
            assert [host.host for host in await hosts.of_request(REQUESTS[0], NOW)] == ["host-16"]
    await populated.hosts.save(replace(circuit, paused_until=None), instead_of=circuit)
    assert await populated.hosts.close("host-16")
    assert len([operation for operation in operations if operation["ns"].endswith(".images")]) == 1


@pytest.fixture(scope="module")
async def catalogue(populated: Database) -> str:
    """A request of some thousand images, recorded from its end to its start: the first thousands are of one host."""
    hosts = ["front.test"] * 3_000 + ["second.test"] * 500 + [f"host-{number % 20}" for number in range(500)]
    images = [
        an_image(f"http://{host}/{number}", "catalogue", position=number, losses=int(number % 50 == 0))
        for number, host in enumerate(hosts)
    ]
    await populated.images.insert_many(images[::-1])
    return "catalogue"


@pytest.mark.parametrize("without_losses", [False, True])
@pytest.mark.parametrize(
    ("filters", "positions"),
    [
        ({}, list(range(11))),
        ({"without_hosts": ["front.test"]}, list(range(3500, 3800, 20))),
        ({"without_hosts": ["front.test", "second.test", "host-0"]}, list(range(3501, 3800, 20))),
        ({"without_hosts": ["front.test", "host-1"], "after_host": "host-0"}, list(range(3510, 3800, 20))),
    ],
    ids=["all", "without the first", "without three", "after a host"],
)
async def test_due_images_are_found_with_a_key_for_each(
    populated: Database, url: str, catalogue: str, filters: dict[str, Any], positions: list[int], without_losses: bool
) -> None:
    find = populated.images.due_by_host if filters else populated.images.due
    with _profiled(url) as operations:
        due = await find(catalogue, 10, **filters, without_losses=without_losses)
    expected = [position for position in positions if not without_losses or position % 50]
    assert [image.position for image in due] == expected[:10]
    [operation] = operations
    assert operation["keysExamined"] <= 10 + SEEKS
    assert operation["docsExamined"] <= 10 + SEEKS
    assert not operation.get("hasSortStage")


async def test_at_most_some_due_images_are_read_in_order_beside_hosts_that_are_left_out(
    populated: Database, url: str, catalogue: str
) -> None:
    with _profiled(url) as operations:
        assert await populated.images.due(catalogue, 10, without_hosts=["front.test"]) == []
        assert len(await populated.images.due(catalogue, 10, without_hosts=["none.test"])) == 10
    assert len(operations) == 2
    for operation in operations:
        assert operation["keysExamined"] <= LOOK_AHEAD + SEEKS
        assert operation["docsExamined"] <= LOOK_AHEAD
        assert not operation.get("hasSortStage")


async def test_a_lookup_for_reuse_reads_one_document_per_key(mongodb_url: str) -> None:
    clock = MovableClock(NOW)
    async with open_database(MongoSettings(mongodb_url=mongodb_url), asyncio.Event(), clock) as database:
        for number in range(40):
            image = an_image("http://host/1.jpg", f"daily-{number:02}")
            await database.images.insert_many([image])
            await database.images.record(compressed(image, etag='"1"', reuse_key="5a" * 16))
            clock.advance(86_400)
        with _profiled(mongodb_url) as operations:
            found = await database.images.reusable(["5a" * 16, "0" * 32], NOW)
    assert found["5a" * 16].request_id == "daily-39"
    [operation] = operations
    assert operation["docsExamined"] == 1
    assert operation["keysExamined"] <= 4


async def test_the_check_for_open_images_reads_one_index_entry(populated: Database, url: str) -> None:
    with _profiled(url) as operations:
        assert not await populated.images.none_open(REQUESTS[0])
        assert await populated.images.none_open("unknown")
    assert len(operations) == 2
    for operation in operations:
        assert operation["docsExamined"] <= 1
        assert operation["keysExamined"] <= 3


async def test_counting_takes_at_most_a_tenth_of_the_time(mongodb_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = MovableClock(NOW)
    async with open_database(MongoSettings(mongodb_url=mongodb_url), asyncio.Event(), clock) as database:
        count = database.images.count

        async def count_slowly(request_id: str) -> Progress:
            await asyncio.sleep(0.5)
            return await count(request_id)

        monkeypatch.setattr(database.images, "count", count_slowly)
        await database.requests.insert(a_request("a", intake_open=False))
        counted = clock.advance(1)
        assert await _as_of(database) == counted
        clock.advance(4.9)
        assert await _as_of(database) == counted
        again = clock.advance(60)
        assert await _as_of(database) == again


async def _as_of(database: Database) -> datetime:
    request = await database.requests.current("a")
    assert request is not None
    return request.progress.as_of
