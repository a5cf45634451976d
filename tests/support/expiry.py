"""Lets a request expire, and lists what is left of it."""

import pytest
from pymongo import AsyncMongoClient

from deploy.local.stack import LocalStack
from services.gateway.admin.commands import main
from services.gateway.admin.settings import AdminSettings
from shared.settings import MongoSettings, StoreSettings
from shared.storage import open_object_store
from tests.support.waiting import until


def expire(stack: LocalStack, request_id: str) -> None:
    settings = AdminSettings(
        MongoSettings(mongodb_url=stack.servers.mongodb_url),
        StoreSettings(object_store_url=stack.joint()["OBJECT_STORE_URL"]),
    )
    with pytest.raises(SystemExit) as ended:
        main(["expire", request_id], settings)
    assert ended.value.code == 0


async def what_is_left(stack: LocalStack, request_id: str) -> list[str]:
    """The objects and records of a request."""
    store = open_object_store(stack.joint()["OBJECT_STORE_URL"])
    left = [key async for key in store.list_keys("") if request_id in key]
    await store.close()
    async with AsyncMongoClient[dict[str, object]](stack.servers.mongodb_url) as mongo:
        database = mongo.get_default_database()
        for name in ("requests", "products", "images", "deliveries"):
            found = database[name].find({"_id": {"$regex": f"^{request_id}"}})
            left += [f"{name} {document['_id']}" async for document in found]
    return left


async def until_gone(stack: LocalStack, request_id: str) -> None:
    left: list[str] = []

    async def gone() -> bool:
        left[:] = await what_is_left(stack, request_id)
        return not left

    await until(gone, 30, lambda: f"left: {left}")
