"""The databases that must pass the contract suite: the real one, and the fake that unit tests use."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest
from pymongo import MongoClient

from shared.persistence import Database, open_database
from shared.settings import MongoSettings
from tests.fakes import MemoryDatabase, MovableClock
from tests.support.builders import NOW
from tests.support.tcp_proxy import open_proxy

_TIMEOUT_SECONDS = 0.5


@dataclass(frozen=True)
class Subject:
    """A database under test.

    connect: opens it as another process would. pass_time: moves the database's own clock, for leases.
    outputs: the output URLs recorded for a request, by row. take_away: makes every call fail.
    """

    database: Database
    clock: MovableClock
    connect: Callable[[], Awaitable[Database]]
    pass_time: Callable[[float], Awaitable[None]]
    outputs: Callable[[str], dict[int, list[str]]]
    take_away: Callable[[], None]


@pytest.fixture(params=["memory", "mongodb"])
def location(request: pytest.FixtureRequest) -> str:
    """Where the database under test keeps its data: a URL, or "memory", which needs no server."""
    return "memory" if request.param == "memory" else str(request.getfixturevalue("mongodb_url"))


@pytest.fixture
async def subject(location: str) -> AsyncIterator[Subject]:
    clock = MovableClock(NOW)
    async with AsyncExitStack() as stack:
        yield _in_memory(clock) if location == "memory" else await _in_mongodb(clock, location, stack)


@pytest.fixture
def database(subject: Subject) -> Database:
    return subject.database


@pytest.fixture
def clock(subject: Subject) -> MovableClock:
    return subject.clock


def _in_memory(clock: MovableClock) -> Subject:
    database = MemoryDatabase(clock)

    async def connect() -> Database:
        return database.another_process()

    async def pass_time(seconds: float) -> None:
        clock.advance(seconds)

    def outputs(request_id: str) -> dict[int, list[str]]:
        return {row: list(saved.urls) for (id_, row), saved in database.tables.outputs.items() if id_ == request_id}

    def take_away() -> None:
        database.available = False

    return Subject(database, clock, connect, pass_time, outputs, take_away)


async def _in_mongodb(clock: MovableClock, url: str, stack: AsyncExitStack) -> Subject:
    address = urlsplit(url)
    assert address.hostname is not None
    assert address.port is not None
    proxy = await stack.enter_async_context(open_proxy(address.hostname, address.port))
    through_proxy = address._replace(netloc=f"127.0.0.1:{proxy.port}").geturl()

    async def connect() -> Database:
        settings = MongoSettings(mongodb_url=through_proxy, mongodb_timeout=_TIMEOUT_SECONDS)
        return await stack.enter_async_context(open_database(settings, asyncio.Event(), clock))

    def outputs(request_id: str) -> dict[int, list[str]]:
        with MongoClient[dict[str, Any]](url) as client:
            products = list(client.get_default_database()["products"].find({"request_id": request_id}))
        return {product["row"]: product["output_image_urls"] for product in products if product["output_image_urls"]}

    return Subject(await connect(), clock, connect, asyncio.sleep, outputs, proxy.cut)
