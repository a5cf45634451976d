"""A host that floods its connections costs only its own downloads, whatever it sends."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from ipaddress import ip_network

import pytest

from services.downloader import app
from services.downloader.fetch import Fetcher
from services.downloader.fetch_error import FetchError
from services.downloader.outcomes import FetchFailure
from services.downloader.settings import FetchSettings
from shared.url_policy import AddressPolicy
from tests.support.flooding_host import FLOODS, flooding_host
from tests.support.origin import Origin, image
from tests.support.waiting import until

JPEG = b"\xff\xd8\xff\xe0" + bytes(30_000)
LOOPBACK = AddressPolicy(allow_networks=(ip_network("127.0.0.1/32"),))
FLOODING = 2
DOWNLOADS = 300
TIMES = 5
ROUNDS = 5
"""The fastest counts: other work of the machine only makes times longer. With h11 it was 100 to 1000 times as long."""


@pytest.fixture
async def fetcher() -> AsyncIterator[Fetcher]:
    settings = FetchSettings()
    async with app.open_requester(settings, LOOPBACK) as requester:
        yield app.build_fetcher(requester, settings)


async def seconds_for_downloads(fetcher: Fetcher, url: str) -> float:
    async def some() -> None:
        for _ in range(DOWNLOADS // 10):
            async with fetcher.fetch(url) as fetched:
                assert fetched.size == len(JPEG)

    started_at = time.monotonic()
    await asyncio.gather(*(some() for _ in range(10)))
    return time.monotonic() - started_at


async def fastest(fetcher: Fetcher, url: str) -> float:
    return min([await seconds_for_downloads(fetcher, url) for _ in range(ROUNDS)])


@asynccontextmanager
async def flooded(fetcher: Fetcher, url: str) -> AsyncIterator[list[FetchError]]:
    """While connections to `url` are flooded, and opened again when they have ended. Yields their errors."""
    errors: list[FetchError] = []

    async def flood() -> None:
        while True:
            try:
                async with fetcher.fetch(url):
                    pytest.fail("a flood has no end")
            except FetchError as error:
                errors.append(error)

    tasks = [asyncio.create_task(flood()) for _ in range(FLOODING)]
    try:
        yield errors
    finally:
        for task in tasks:
            task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks)


@pytest.mark.parametrize("kind", FLOODS)
async def test_other_downloads_are_not_held_up_by_a_flood_of(kind: str, fetcher: Fetcher, origin: Origin) -> None:
    url = origin.serve("/a.jpg", image(JPEG))
    alone = await fastest(fetcher, url)
    with flooding_host(kind) as flooding:
        async with flooded(fetcher, f"{flooding}/a.jpg") as errors:
            await until(lambda: len(errors) >= FLOODING)
            beside = await fastest(fetcher, url)
    print(f"{DOWNLOADS} downloads: {alone:.3f} s alone, {beside:.3f} s beside")  # noqa: T201 (shown with -s)
    assert beside < TIMES * alone
    expected = FetchFailure.TOO_LARGE if kind == "compressed zeros" else FetchFailure.BAD_RESPONSE
    assert {error.cause for error in errors} == {expected}
