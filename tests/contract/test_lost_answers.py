"""A write is done, but its answer is lost with the connection: the driver repeats it, and it counts once."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

import pytest

from shared.contracts.records import Announcement, Image, Progress, Request
from shared.contracts.states import ImageState, RequestStatus
from shared.persistence import Database, open_database
from shared.settings import MongoSettings
from tests.support.builders import NOW, a_request, an_image
from tests.support.tcp_proxy import TcpProxy, open_proxy
from tests.support.worker_messages import compressed, deferred

IN_FLIGHT_SECONDS = 0.5
"""How long a write has to reach the server before its connection is lost."""


@dataclass(frozen=True)
class Cuttable:
    """A database behind a proxy, with one request and one image that is dispatched."""

    database: Database
    proxy: TcpProxy
    request: Request
    image: Image


@pytest.fixture
async def cuttable(mongodb_url: str) -> AsyncIterator[Cuttable]:
    address = urlsplit(mongodb_url)
    assert address.hostname
    assert address.port
    async with open_proxy(address.hostname, address.port) as proxy:
        url = address._replace(netloc=f"127.0.0.1:{proxy.port}").geturl()
        async with open_database(MongoSettings(mongodb_url=url), asyncio.Event(), lambda: NOW) as database:
            request, image = a_request(intake_open=False), an_image()
            await database.requests.insert(request)
            await database.images.insert_many([image])
            await database.images.mark_dispatched([image])
            yield Cuttable(database, proxy, request, replace(image, dispatch=1, state=ImageState.DISPATCHED))


@asynccontextmanager
async def lost_answer(proxy: TcpProxy) -> AsyncIterator[None]:
    """What is written in the block reaches the server, and its answer does not come back."""

    async def lose() -> None:
        await asyncio.sleep(IN_FLIGHT_SECONDS)
        proxy.drop_connections()
        proxy.restore()

    proxy.hold_answers()
    losing = asyncio.create_task(lose())
    yield
    await losing


async def a_result(at: Cuttable) -> None:
    recorded = await at.database.images.record(compressed(at.image))
    assert recorded.image is not None
    assert recorded.image.state is ImageState.COMPRESSED
    assert recorded.request_complete


async def a_deferral(at: Cuttable) -> None:
    recorded = await at.database.images.record(deferred(at.image))
    assert recorded.image is not None
    assert recorded.image.attempts == 1, "it is counted once"


async def a_finish(at: Cuttable) -> None:
    finished = replace(at.request, status=RequestStatus.COMPLETED, finished_at=NOW)
    announcement = Announcement(f"{at.request.request_id}:1", "request.completed", NOW, {}, None)
    recorded = await at.database.requests.finish(finished, announcement)
    assert recorded is not None, "this process has finished it, and announces it"
    assert len(recorded.announcements) == 1


async def a_cancel(at: Cuttable) -> None:
    assert await at.database.cancellations.begin(at.request.request_id), "this client has cancelled it"


async def a_retry(at: Cuttable) -> None:
    begun = await at.database.requests.retry(at.request.request_id, 1, Progress(1, 0, 0, 1, NOW))
    assert begun is not None, "this client has begun the round"
    assert begun.round == 2


@pytest.mark.parametrize("write", [a_result, a_deferral, a_finish, a_cancel, a_retry])
async def test_a_write_whose_answer_is_lost_is_made_once(
    cuttable: Cuttable, write: Callable[[Cuttable], Awaitable[None]]
) -> None:
    if write is a_retry:
        await a_finish(cuttable)
    async with lost_answer(cuttable.proxy):
        await write(cuttable)
