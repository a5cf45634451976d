"""Workers that die while they process images: only an image that kills its worker whenever it is alone fails."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from pymongo import AsyncMongoClient

from deploy.local.stack import LocalStack
from shared.contracts.error_codes import ErrorCode
from shared.messaging import Queue
from tests.e2e.conftest import SETTINGS
from tests.support.messaging_runtime import waiting_in
from tests.support.origin import Origin, Response, image, open_origin
from tests.support.pictures import a_photo
from tests.support.poisoned_compressor import FAULT, poison, poisoned_compressor
from tests.support.request_invariants import check_images, check_slots
from tests.support.stack import StackClient, a_catalogue
from tests.support.waiting import until

MINUTE = 60
KILLS = 12
"""More than the returns after which a command counts as lost."""
SLOW = 12
NEIGHBOURS = 24


async def losses_of(stack: LocalStack, request_id: str) -> dict[str, int]:
    """By URL, for all images of a request."""
    async with AsyncMongoClient[dict[str, Any]](stack.servers.mongodb_url) as mongo:
        images = mongo.get_default_database()["images"]
        return {image["url"]: image["losses"] async for image in images.find({"request_id": request_id})}


def _requests_to(hosts: Sequence[Origin]) -> int:
    return sum(len(host.requests) for host in hosts)


async def test_only_the_picture_that_kills_its_worker_whenever_it_is_alone_fails(
    stack: LocalStack, client: StackClient, origin: Origin, tmp_path: Path
) -> None:
    fatal = a_photo(1, comment=poison(1000, tmp_path / "fatal"))
    # The host fails once, so the first death is not in the image's first attempt.
    unlucky = a_photo(2, comment=poison(2, tmp_path / "unlucky"))
    urls = [
        origin.serve("/fatal.jpg", image(fatal)),
        origin.serve("/unlucky.jpg", Response(status=503), image(unlucky)),
        *(origin.serve(f"/{number}.jpg", image(a_photo(number))) for number in range(NEIGHBOURS)),
    ]
    async with poisoned_compressor(stack, SETTINGS):
        request_id = await client.upload(a_catalogue([urls]))
        await client.finished(request_id, 90)

    await check_slots(client, request_id, [urls], {urls[0]})
    await check_images(stack.servers.mongodb_url, request_id, compressed=1 + NEIGHBOURS, failed=1)
    losses = await losses_of(stack, request_id)
    assert (losses[urls[0]], losses[urls[1]]) == (2, 2), "the third loss of the fatal picture is its failure"
    assert len((tmp_path / "fatal").read_bytes()) == 3


async def test_a_request_does_not_wait_for_a_picture_that_fails_unexpectedly(
    stack: LocalStack, client: StackClient, origin: Origin
) -> None:
    urls = [
        origin.serve("/faulty.jpg", image(a_photo(1, comment=FAULT))),
        *(origin.serve(f"/{number}.jpg", image(a_photo(number))) for number in range(2, 6)),
    ]
    async with poisoned_compressor(stack, SETTINGS):
        request_id = await client.upload(a_catalogue([urls]))
        await client.finished(request_id, MINUTE)

    await check_slots(client, request_id, [urls], {urls[0]})
    async with AsyncMongoClient[dict[str, Any]](stack.servers.mongodb_url) as mongo:
        [failed] = [
            each
            async for each in mongo.get_default_database()["images"].find({"request_id": request_id, "url": urls[0]})
        ]
    assert failed["error_code"] == ErrorCode.DECODE_ERROR
    assert "ZeroDivisionError" in failed["error_detail"]


async def test_healthy_images_survive_a_downloader_that_is_killed_again_and_again(
    stack: LocalStack, client: StackClient
) -> None:
    async with AsyncExitStack() as open_origins:
        let_go = asyncio.Event()
        hosts = [await open_origins.enter_async_context(open_origin(host=f"127.0.0.{number}")) for number in (2, 3)]
        urls = [
            hosts[number % 2].serve(f"/{number}.jpg", replace(image(a_photo(number)), until=let_go))
            for number in range(SLOW)
        ]
        request_id = await client.upload(a_catalogue([urls]))
        before = 0
        for _ in range(KILLS):

            async def in_hand(before: int = before) -> bool:
                """All of them are downloaded at once, but one at a time after they were lost."""
                at_once = 1 if any((await losses_of(stack, request_id)).values()) else SLOW
                return _requests_to(hosts) >= before + at_once

            await until(in_hand, 30, lambda: f"{_requests_to(hosts)} requests")
            await stack.services.kill("downloader")
            before = _requests_to(hosts)
            await stack.services.start("downloader")
        let_go.set()
        status = await client.finished(request_id, 90)

    assert status["progress"]["compressed"] == SLOW
    assert set((await losses_of(stack, request_id)).values()) == {1}
    assert await waiting_in(stack.servers.rabbitmq_url, Queue.DEAD) == 0
