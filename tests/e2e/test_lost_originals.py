"""Originals that the store loses are downloaded again, and no image fails for it."""

from typing import Any

from pymongo import AsyncMongoClient

from deploy.local.stack import LocalStack
from shared.storage import open_object_store
from tests.support.origin import Origin, image
from tests.support.pictures import a_photo
from tests.support.stack import StackClient, a_catalogue
from tests.support.waiting import until

IMAGES = 3  # a request without results has no more with the compressors


async def test_an_original_that_is_gone_is_downloaded_again_and_costs_no_attempt(
    stack: LocalStack, client: StackClient, origin: Origin
) -> None:
    products = [[origin.serve(f"/{number}.jpg", image(a_photo(number, 64, 64)))] for number in range(IMAGES)]
    store = open_object_store(stack.joint()["OBJECT_STORE_URL"])
    await stack.services.stop("compressor")
    try:
        request_id = await client.upload(a_catalogue(products))
        keys: list[str] = []

        async def stored() -> bool:
            keys[:] = [key async for key in store.list_keys(f"originals/{request_id}/")]
            return len(keys) == IMAGES

        await until(stored, 30, lambda: f"originals: {keys}")
        await store.delete(keys)
    finally:
        await stack.services.start("compressor")
    status = await client.finished(request_id)
    await store.close()
    assert status["progress"]["compressed"] == IMAGES
    assert len(origin.requests) == 2 * IMAGES
    async with AsyncMongoClient[dict[str, Any]](stack.servers.mongodb_url) as mongo:
        images = mongo.get_default_database()["images"].find({"request_id": request_id})
        assert {document["attempts"] async for document in images} == {1}
