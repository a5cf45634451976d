"""Imagemill on an S3 store, whatever store the other tests use."""

from pathlib import Path

import httpx

from deploy.local.stack import LocalStack
from shared.storage import open_object_store
from tests.e2e.conftest import SETTINGS
from tests.support.origin import Origin, image
from tests.support.pictures import a_photo
from tests.support.request_invariants import check_images, check_slots
from tests.support.s3_server import open_s3_server
from tests.support.servers import servers_at
from tests.support.stack import StackClient, a_catalogue

FORMATS = ("JPEG", "PNG", "WEBP")


async def test_a_whole_request_on_s3(tmp_path: Path, origin: Origin) -> None:
    photos = {
        origin.serve(f"/{number}", image(data)): data
        for number in range(12)
        for data in [a_photo(number, 320, 240, FORMATS[number % len(FORMATS)])]
    }
    gone = origin.url("/gone.jpg")
    products = [[*list(photos)[:6], gone], list(photos)[6:]]
    with open_s3_server() as url:
        # A separate stack: two stacks on one broker would take each other's work.
        async with (
            LocalStack(tmp_path, {**SETTINGS, "OBJECT_STORE_URL": url}, servers_at(tmp_path)) as stack,
            httpx.AsyncClient(base_url=stack.gateway_url, timeout=30) as http,
        ):
            client = StackClient(http)
            request_id = await client.upload(a_catalogue(products))
            assert (await client.finished(request_id))["status"] == "Completed"
            await check_slots(client, request_id, products, {gone})
            await check_images(stack.servers.mongodb_url, request_id, compressed=12, failed=1)

        store = open_object_store(url)
        keys = [key async for key in store.list_keys("")]
        await store.close()
        assert sum(key.startswith(f"results/{request_id}/") for key in keys) == 12, "the objects are in S3"
        assert not any(key.startswith("originals/") for key in keys), (
            "originals are deleted when their image is finished"
        )
