"""The object store disappears while images are processed: nothing fails, and hosts are not asked again."""

import asyncio
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from deploy.local.stack import LocalStack
from tests.support.freezing import some_are_compressed
from tests.support.origin import Origin, image
from tests.support.pictures import a_photo
from tests.support.request_invariants import check_images, check_queues_empty, check_slots
from tests.support.running_gateway import CSV, problem
from tests.support.stack import StackClient, a_catalogue
from tests.support.waiting import until

IMAGES = 200
OUTAGE_SECONDS = 5


@pytest.mark.slow
async def test_images_wait_for_the_store_and_are_requested_about_once(
    stack: LocalStack, client: StackClient, origin: Origin
) -> None:
    url = urlsplit(stack.joint()["OBJECT_STORE_URL"])
    if url.scheme != "file":
        pytest.skip("only a store in a directory can be taken away here")
    root = Path(url.path)
    photos = [a_photo(number, 640, 480) for number in range(20)]
    paths = [f"/outage/{number}.jpg" for number in range(IMAGES)]
    urls = [origin.serve(path, image(photos[number % len(photos)])) for number, path in enumerate(paths)]
    products = [urls[start : start + 4] for start in range(0, IMAGES, 4)]
    request_id = await client.upload(a_catalogue(products))
    await some_are_compressed(stack, request_id)

    await asyncio.to_thread(root.rename, root.with_name("unmounted"))
    try:
        problem(await client.http.post("/upload", files={"file": CSV}), 503)
        await asyncio.sleep(OUTAGE_SECONDS)
        assert (await client.http.get("/readyz")).json()["not_ready"].keys() == {"storage"}
        assert (await client.status(request_id))["status"] == "Pending"
        assert not root.exists(), "nobody made a new store"  # noqa: ASYNC240 (a test of the folder)
    finally:
        await asyncio.to_thread(root.with_name("unmounted").rename, root)

    status = await client.finished(request_id, 90)
    assert status["progress"]["compressed"] == IMAGES
    await check_slots(client, request_id, products, set())
    await check_images(stack.servers.mongodb_url, request_id, compressed=IMAGES, failed=0)
    requests = [origin.request_count(path) for path in paths]
    assert sum(requests) <= IMAGES + 5

    async def is_ready() -> bool:
        return (await client.http.get("/readyz")).status_code == 200

    await until(is_ready)
    await check_queues_empty(stack)
