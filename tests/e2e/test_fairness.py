"""No request waits behind another request's images, and no slow host delays another host's images."""

import asyncio
import time
from contextlib import AsyncExitStack
from pathlib import Path

import httpx

from deploy.local.stack import LocalStack
from services.downloader.settings import FetchSettings
from tests.e2e.conftest import SETTINGS
from tests.support.origin import Origin, Response, image, open_origin
from tests.support.pictures import a_photo
from tests.support.servers import servers_at
from tests.support.stack import StackClient, a_catalogue
from tests.support.waiting import until

REQUESTS, IMAGES = 20, 500
DRIPPING_HOSTS = ("127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5")
PER_HOST = FetchSettings.model_fields["fetch_per_host"].default
NO_CIRCUIT_BREAKER = SETTINGS | {"HOST_FAULTS": "1000000"}
"""The slow hosts time out in a long run; their circuits must stay closed so that they stay slow."""
FIVE_IN_SECONDS = 20
"""Generous for a noisy machine; the ten thousand earlier images take minutes."""


async def test_five_images_overtake_ten_thousand_and_four_slow_hosts(tmp_path: Path) -> None:
    photo = a_photo(1, 320, 240)
    async with AsyncExitStack() as running:
        quick = await running.enter_async_context(open_origin())
        dripping = [await running.enter_async_context(open_origin(host=host)) for host in DRIPPING_HOSTS]
        # A separate stack: the unfinished images of the ten thousand end with it.
        stack = await running.enter_async_context(LocalStack(tmp_path, NO_CIRCUIT_BREAKER, servers_at(tmp_path)))
        client = StackClient(
            await running.enter_async_context(httpx.AsyncClient(base_url=stack.gateway_url, timeout=60))
        )
        large = [
            await client.upload(a_catalogue([[url] for url in serve_large(quick, dripping, request, photo)]))
            for request in range(REQUESTS)
        ]

        async def hard_at_work() -> bool:
            waiting = all(origin.open_connections >= PER_HOST for origin in dripping)
            return waiting and len(quick.requests) > 100

        await until(hard_at_work, 60, lambda: "the slow hosts never reached their cap")

        five = [quick.serve(f"/five/{number}.jpg", image(photo)) for number in range(5)]
        started_at = time.monotonic()
        status = await client.finished(await client.upload(a_catalogue([five])), FIVE_IN_SECONDS)

        assert status["progress"]["compressed"] == 5
        others = await asyncio.gather(*map(client.status, large))
        assert all(other["status"] == "Pending" for other in others), "the large requests had already finished"
        assert all(origin.open_connections >= PER_HOST for origin in dripping), "the slow hosts stayed slow to the end"
        assert sum(other["progress"]["compressed"] for other in others) > 100, "the fast host's images continue"
        print(f"five images took {time.monotonic() - started_at:.1f} s")  # noqa: T201 (shown with -s)


def serve_large(quick: Origin, dripping: list[Origin], request: int, photo: bytes) -> list[str]:
    """A fifth of the images arrives at one byte per second."""
    drip = Response(body=photo, headers={"Content-Type": "image/jpeg"}, byte_interval=1)
    return [
        dripping[number // 5 % len(dripping)].serve(f"/{request}/{number}.jpg", drip)
        if number % 5 == 0
        else quick.serve(f"/{request}/{number}.jpg", image(photo))
        for number in range(IMAGES)
    ]
