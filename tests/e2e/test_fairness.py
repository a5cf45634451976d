"""No request waits behind another's images, and no host's trouble holds up another host's."""

import asyncio
import time
from pathlib import Path

import httpx

from deploy.local.stack import LocalStack
from tests.e2e.conftest import SETTINGS
from tests.e2e.mill import Mill, a_catalogue
from tests.origin import Answer, open_origin
from tests.pictures import a_photo
from tests.servers import servers_at

JPEG = {"Content-Type": "image/jpeg"}
FIVE_IN_SECONDS = 20
"""Generous for a noisy machine; the ten thousand images before them take minutes."""


async def test_five_images_behind_ten_thousand_and_a_dripping_host(tmp_path: Path) -> None:
    photo = a_photo(1, 320, 240)
    # A stack of its own: what is left of the ten thousand goes away with it.
    async with (
        open_origin() as quick,
        open_origin(host="127.0.0.2") as dripping,
        LocalStack(tmp_path, SETTINGS, servers_at(tmp_path)) as stack,
        httpx.AsyncClient(base_url=stack.gateway_url, timeout=60) as http,
    ):
        mill = Mill(http)
        large = []
        for request in range(20):
            urls = []
            for number in range(500):
                if number % 5 == 0:
                    drip = Answer(body=photo, headers=JPEG, byte_interval=1)
                    urls.append(dripping.serve(f"/{request}/{number}.jpg", drip))
                else:
                    urls.append(quick.serve(f"/{request}/{number}.jpg", Answer(body=photo, headers=JPEG)))
            large.append(await mill.upload(a_catalogue([[url] for url in urls])))
        await asyncio.sleep(5)  # the window is full of the large ones, and the dripping host has all it may have

        five = [quick.serve(f"/five/{number}.jpg", Answer(body=photo, headers=JPEG)) for number in range(5)]
        begun = time.monotonic()
        status = await mill.finished(await mill.upload(a_catalogue([five])), FIVE_IN_SECONDS)

        assert status["progress"]["compressed"] == 5
        others = await asyncio.gather(*map(mill.status, large))
        assert any(other["status"] == "Pending" for other in others), "there was nothing to wait behind"
        assert sum(other["progress"]["compressed"] for other in others) > 100, "the quick host's images go on"
        print(f"five images took {time.monotonic() - begun:.1f} s")  # noqa: T201 (shown with -s)
