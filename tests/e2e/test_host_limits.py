"""The limit of a host holds for all downloaders together, and adapts to what the host accepts."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from deploy.local.stack import LocalStack
from tests.e2e.conftest import SETTINGS
from tests.support.numbered_photos import NumberedPhotos, open_numbered_photos
from tests.support.servers import servers_at
from tests.support.stack import StackClient, a_catalogue

DOWNLOADERS = 3


@asynccontextmanager
async def open_stack(home: Path, **settings: str) -> AsyncIterator[StackClient]:
    async with (
        LocalStack(home, SETTINGS | settings, servers_at(home)) as stack,
        httpx.AsyncClient(base_url=stack.gateway_url, timeout=60) as http,
    ):
        for index in range(1, DOWNLOADERS):
            await stack.services.start("downloader", index)
        yield StackClient(http)


async def compress(client: StackClient, photos: NumberedPhotos, count: int) -> None:
    request_id = await client.upload(a_catalogue([[url] for url in photos.urls(range(count))]))
    assert (await client.finished(request_id, 120))["progress"]["compressed"] == count


async def test_several_downloaders_together_keep_to_the_maximum(tmp_path: Path) -> None:
    async with (
        open_stack(tmp_path, HOST_START="6", HOST_MAX="6") as client,
        open_numbered_photos(160, 120, seconds=0.2) as photos,
    ):
        await compress(client, photos, 120)
    assert max(photos.at_once) == 6


async def test_a_host_that_refuses_requests_gets_fewer_at_once(tmp_path: Path) -> None:
    """It allows 8 at once, and the limit begins at 48. Without adapting, most requests of each round were refused."""
    async with (
        open_stack(tmp_path, HOST_START="48", HOST_MAX="48", FETCH_ATTEMPTS="12") as client,
        open_numbered_photos(160, 120, seconds=0.2, allowed=8) as photos,
    ):
        await compress(client, photos, 200)
    later = photos.at_once[len(photos.at_once) // 2 :]
    assert max(later) <= 12
    assert 0 < photos.refused < len(photos.starts) / 4
