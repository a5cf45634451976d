"""A validation with probe=: a downloader probes the images, and nothing is stored."""

import asyncio
import json
from typing import Any

import aio_pika
import pytest
from motor.motor_asyncio import AsyncIOMotorClient

from deploy.local.stack import LocalStack
from shared.messaging import Queue
from shared.storage import open_object_store
from tests.support.origin import Origin, Response, image, redirect
from tests.support.pictures import a_photo
from tests.support.stack import StackClient, a_catalogue


async def stored(stack: LocalStack) -> tuple[int, set[str]]:
    """The number of requests, and the keys in the object store."""
    joint = stack.joint()
    client: AsyncIOMotorClient[dict[str, Any]] = AsyncIOMotorClient(joint["MONGODB_URL"])
    store = open_object_store(joint["OBJECT_STORE_URL"])
    try:
        keys = {key async for key in store.list_keys("")}
        return await client.get_default_database()["requests"].count_documents({}), keys
    finally:
        await store.close()
        client.close()


async def test_a_validation_with_probes_streams_its_lines_and_stores_nothing(
    stack: LocalStack, client: StackClient, origin: Origin
) -> None:
    photos = {origin.serve(f"/{number}.jpg", image(data)): data for number, data in enumerate(map(a_photo, range(3)))}
    elsewhere = origin.base_url.replace("127.0.0.1", "127.0.0.2")
    serve_slow = asyncio.Event()
    slow = origin.serve("/slow.jpg", Response(body=a_photo(3), until=serve_slow))
    page = origin.serve("/page.jpg", image(b"<html><body>not found</body></html>"))
    moved = origin.serve("/moved.jpg", redirect("http://169.254.169.254/latest/meta-data/"))
    products = [[*photos], [origin.url("/gone.jpg"), page], [moved, slow], [f"{elsewhere}/1.jpg"]]
    before = await stored(stack)

    lines = []
    headers = {"content-type": "text/csv"}
    catalogue = a_catalogue(products)
    async with client.http.stream(
        "POST", "/validate?probe=20&percent=40", content=catalogue, headers=headers
    ) as answer:
        assert answer.status_code == 200
        async for line in answer.aiter_lines():
            lines.append(json.loads(line))
            if lines[-1]["type"] == "validation":
                serve_slow.set()  # the first line must arrive before the last image is served

    validation, *probes, estimate = lines
    assert (validation["type"], estimate["type"]) == ("validation", "estimate")
    assert validation["slots"] == 8
    seen = {line["url"]: line for line in probes}
    assert seen.keys() == {url for urls in products for url in urls}
    for url, photo in photos.items():
        assert (seen[url]["content_type"], seen[url]["bytes"]) == ("image/jpeg", len(photo))
    codes = {url.rsplit("/")[-1]: line["error_code"] for url, line in seen.items() if line["error_code"]}
    assert codes["gone.jpg"] == "http_404"
    assert codes["page.jpg"] == "not_an_image"
    assert codes["moved.jpg"] == "blocked_address"
    assert seen[f"{elsewhere}/1.jpg"]["error_code"] == "connect", "nobody listens there"
    assert estimate["basis"]["known"] == 8
    assert estimate["bytes_out"]["mean"] == pytest.approx(estimate["bytes_in"]["mean"] * 0.4, abs=1)
    assert estimate["seconds"] is not None
    assert await stored(stack) == before
    assert await commands_left(stack) == 0


async def commands_left(stack: LocalStack) -> int:
    """The number of commands that no worker has taken."""
    async with await aio_pika.connect(stack.servers.rabbitmq_url) as connection, connection.channel() as channel:
        queue = await channel.declare_queue(Queue.PROBE, passive=True)
        return queue.declaration_result.message_count or 0
