"""Imagemill on an S3 store, whatever store the other tests use."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from deploy.local.stack import LocalStack
from shared.storage import open_object_store
from tests.e2e.conftest import SETTINGS
from tests.support.freezing import OPEN_STATES, count_images, some_are_compressed
from tests.support.origin import Origin, image
from tests.support.pictures import a_photo
from tests.support.request_invariants import check_images, check_queues_empty, check_slots
from tests.support.s3_requests import S3Requests
from tests.support.s3_server import open_s3_server
from tests.support.servers import servers_at
from tests.support.stack import StackClient, a_catalogue
from tests.support.tcp_proxy import TcpProxy, open_proxy
from tests.support.tree import ROOT

FORMATS = ("JPEG", "PNG", "WEBP")
IMAGES = 120
FAULT_SECONDS = 3
COUNTED = 20


@dataclass(frozen=True)
class OnS3:
    stack: LocalStack
    client: StackClient
    proxy: TcpProxy
    store_url: str
    requests: S3Requests


@pytest.fixture(scope="module")
async def on_s3(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[OnS3]:
    """A separate stack, whose services reach S3 through a proxy: two stacks on one broker would share their work."""
    home: Path = tmp_path_factory.mktemp("s3")
    async with AsyncExitStack() as things:
        url = things.enter_context(open_s3_server(home / "requests"))
        address = urlsplit(url)
        assert address.port
        proxy = await things.enter_async_context(open_proxy("127.0.0.1", address.port))
        proxied = url.replace(f":{address.port}/", f":{proxy.port}/")
        stack = await things.enter_async_context(
            LocalStack(home, {**SETTINGS, "OBJECT_STORE_URL": proxied}, servers_at(home))
        )
        http = await things.enter_async_context(httpx.AsyncClient(base_url=stack.gateway_url, timeout=30))
        yield OnS3(stack, StackClient(http), proxy, url, S3Requests(home / "requests"))


async def test_a_whole_request_on_s3(on_s3: OnS3, origin: Origin) -> None:
    photos = {
        origin.serve(f"/{number}", image(data)): data
        for number in range(12)
        for data in [a_photo(number, 320, 240, FORMATS[number % len(FORMATS)])]
    }
    gone = origin.url("/gone.jpg")
    products = [[*list(photos)[:6], gone], list(photos)[6:]]
    request_id = await on_s3.client.upload(a_catalogue(products))
    assert (await on_s3.client.finished(request_id))["status"] == "Completed"
    await check_slots(on_s3.client, request_id, products, {gone})
    await check_images(on_s3.stack.servers.mongodb_url, request_id, compressed=12, failed=1)
    keys = await keys_of(on_s3)
    assert sum(key.startswith(f"results/{request_id}/") for key in keys) == 12, "the objects are in S3"
    assert not any(key.startswith("originals/") for key in keys), "originals are deleted when their image is finished"


async def test_an_image_costs_the_store_as_many_requests_as_the_documents_say(on_s3: OnS3, origin: Origin) -> None:
    photos = [a_photo(1000 + number, 320, 240) for number in range(COUNTED)]
    products = [[origin.serve(f"/counted-{number}.jpg", image(photo))] for number, photo in enumerate(photos)]
    on_s3.requests.reset()
    request_id = await on_s3.client.upload(a_catalogue(products))
    assert (await on_s3.client.finished(request_id))["status"] == "Completed"
    counts = on_s3.requests.counts()
    assert 1 <= counts.pop("POST ?delete") < COUNTED  # it depends on how many results are recorded together
    assert counts == documented_requests(COUNTED)


def documented_requests(images: int) -> dict[str, int]:
    """Of a request without failed images: the rows of the table that state a number for each."""
    text = (ROOT / "docs/architecture.md").read_text()
    rows = re.findall(r"^\| `(.+)` \| (\d) for each (image|request)\b", text, re.MULTILINE)
    assert rows
    return {kind: int(number) * (images if each == "image" else 1) for kind, number, each in rows}


async def test_images_wait_while_the_store_is_away_between_their_stages(on_s3: OnS3, origin: Origin) -> None:
    """The store refuses connections, then is silent, then its answers are lost: no image fails for it."""
    photos = [a_photo(number, 320, 240) for number in range(10)]
    urls = [origin.serve(f"/{number}.jpg", image(photos[number % 10])) for number in range(IMAGES)]
    products = [urls[start : start + 4] for start in range(0, IMAGES, 4)]
    request_id = await on_s3.client.upload(a_catalogue(products))
    await some_are_compressed(on_s3.stack, request_id)
    for fault in (on_s3.proxy.cut, on_s3.proxy.hold, on_s3.proxy.hold_answers):
        assert await count_images(on_s3.stack, request_id, OPEN_STATES), "this fault came too late"
        fault()
        await asyncio.sleep(FAULT_SECONDS)  # shows that no image fails meanwhile
        on_s3.proxy.drop_connections()
        on_s3.proxy.restore()
        await asyncio.sleep(0.3)  # lets some images go on between two faults
    assert (await on_s3.client.finished(request_id, 90))["status"] == "Completed"
    await check_slots(on_s3.client, request_id, products, set())
    await check_images(on_s3.stack.servers.mongodb_url, request_id, compressed=IMAGES, failed=0)
    await check_queues_empty(on_s3.stack)


async def keys_of(on_s3: OnS3) -> list[str]:
    store = open_object_store(on_s3.store_url)
    keys = [key async for key in store.list_keys("")]
    await store.close()
    return keys
