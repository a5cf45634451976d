"""Kills, stops and broker outages during processing: nothing is lost or doubled."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from pymongo import AsyncMongoClient

from deploy.local.services import NAMES
from deploy.local.stack import LocalStack
from tests.support.collecting_receiver import CollectingReceiver
from tests.support.freezing import OPEN_STATES, count_images, freeze, freeze_at_work, some_are_compressed, thaw
from tests.support.origin import Origin, image, open_origin
from tests.support.pictures import a_photo
from tests.support.request_invariants import check_events, check_images, check_queues_empty, check_slots
from tests.support.stack import StackClient, a_catalogue
from tests.support.subscriber import Subscriber
from tests.support.waiting import until

IMAGES = 300
HANGING = 5
"""Downloads that are in progress when the service is killed or stopped."""

OUTAGE_SECONDS = 31
"""Longer than two heartbeats of a connection to RabbitMQ."""

DATABASE_OUTAGE_SECONDS = 6
"""Longer than the short outages that are only retried."""

Interruption = Callable[[LocalStack, str], Awaitable[None]]
"""Kills a frozen service."""


async def kill(stack: LocalStack, service: str) -> None:
    await stack.services.kill(service)


async def terminate(stack: LocalStack, service: str) -> None:
    """Stops a service with SIGTERM: it finishes its work and exits with 0."""
    thaw(stack, service)
    assert await stack.services.stop(service) == 0


@pytest.fixture(scope="module")
def photos() -> list[bytes]:
    """Large enough that a few hundred take seconds to process."""
    return [a_photo(number, 640, 480) for number in range(30)]


def serve_products(origin: Origin, photos: list[bytes], count: int = IMAGES, prefix: str = "photo") -> list[list[str]]:
    urls = [origin.serve(f"/{prefix}/{number}.jpg", image(photos[number % len(photos)])) for number in range(count)]
    return [urls[start : start + 4] for start in range(0, count, 4)]


@pytest.mark.parametrize("interrupt", [kill, terminate])
@pytest.mark.parametrize("service", NAMES)
async def test_three_hundred_images_survive_a_kill_or_stop_of_each_service(
    stack: LocalStack,
    client: StackClient,
    origin: Origin,
    receiver: CollectingReceiver,
    subscriber: Subscriber,
    photos: list[bytes],
    *,
    service: str,
    interrupt: Interruption,
) -> None:
    # A separate host, so that the other images do not wait for it.
    async with open_origin(host="127.0.0.2") as hanging:
        let_go = asyncio.Event()
        urls = [
            hanging.serve(f"/{number}.jpg", replace(image(photo), until=let_go))
            for number, photo in enumerate(photos[:HANGING])
        ]
        products = [urls, *serve_products(origin, photos, IMAGES - HANGING)]
        request_id = await client.upload(a_catalogue(products), webhook_url=receiver.url)

        async def all_hang() -> bool:
            return len(hanging.requests) == HANGING

        await until(all_hang, 30, lambda: "the downloader did not begin")
        await freeze_at_work(stack, service, request_id, let_go)
        await interrupt(stack, service)
        await stack.services.start(service)
        status = await client.finished(request_id, 90)

    assert status["progress"]["compressed"] == IMAGES
    await check_all(stack, client, subscriber, request_id, products)
    await check_one_webhook(stack, receiver, request_id)
    await check_queues_empty(stack)


async def test_uploads_are_accepted_during_a_broker_outage_and_complete_afterwards(
    stack: LocalStack,
    client: StackClient,
    origin: Origin,
    receiver: CollectingReceiver,
    subscriber: Subscriber,
    photos: list[bytes],
) -> None:
    before, meanwhile = serve_products(origin, photos), serve_products(origin, photos, 20, "meanwhile")
    earlier = await client.upload(a_catalogue(before), webhook_url=receiver.url)
    await some_are_compressed(stack, earlier)
    try:
        await stack.servers.stop_broker()
        assert await count_images(stack, earlier, OPEN_STATES), "the broker was stopped too late to prove anything"
        await asyncio.sleep(OUTAGE_SECONDS / 2)  # shows that nothing ends during the outage
        later = await client.upload(a_catalogue(meanwhile))
        await asyncio.sleep(OUTAGE_SECONDS / 2)
        assert (await client.status(earlier))["status"] == "Pending"
        assert (await client.status(later))["status"] == "Pending"
    finally:
        await stack.servers.start_broker()

    for request_id, products in ((earlier, before), (later, meanwhile)):
        status = await client.finished(request_id, 90)
        assert status["status"] == "Completed"
        await check_all(stack, client, subscriber, request_id, products)
    await check_one_webhook(stack, receiver, earlier)
    await check_queues_empty(stack)


async def test_images_wait_while_the_database_is_away(
    stack: LocalStack,
    client: StackClient,
    origin: Origin,
    receiver: CollectingReceiver,
    subscriber: Subscriber,
    photos: list[bytes],
) -> None:
    products = serve_products(origin, photos)
    request_id = await client.upload(a_catalogue(products), webhook_url=receiver.url)
    await some_are_compressed(stack, request_id)
    await stack.servers.stop_database()
    try:
        answer = await client.http.get("/status", params={"request_id": request_id})
        assert answer.status_code == 503
        await asyncio.sleep(DATABASE_OUTAGE_SECONDS)  # shows that no image fails meanwhile
    finally:
        await stack.servers.start_database()
    assert await count_images(stack, request_id, OPEN_STATES), "the database was stopped too late to prove anything"
    await client.finished(request_id, 90)
    await check_all(stack, client, subscriber, request_id, products)
    await check_one_webhook(stack, receiver, request_id)
    await check_queues_empty(stack)


async def check_all(
    stack: LocalStack, client: StackClient, subscriber: Subscriber, request_id: str, products: list[list[str]]
) -> None:
    """Each image was compressed, with one logical event and one webhook."""
    images = sum(map(len, products))
    await check_slots(client, request_id, products, set())
    await check_images(stack.servers.mongodb_url, request_id, compressed=images, failed=0)
    await check_events(subscriber, request_id, compressed=images, failed=0)


async def check_one_webhook(stack: LocalStack, receiver: CollectingReceiver, request_id: str) -> None:
    async def called() -> bool:
        return bool(receiver.calls)

    await until(called, 20, lambda: "the receiver was not called")
    assert len(receiver.verified(stack.joint()["WEBHOOK_SECRET"], request_id)) == 1


@pytest.mark.parametrize("interrupt", [kill, terminate])
async def test_intake_resumes_after_the_gateway_is_killed_or_stopped(
    stack: LocalStack, client: StackClient, origin: Origin, interrupt: Interruption
) -> None:
    urls = [origin.serve(f"/{number}.jpg", image(a_photo(number, 64, 64))) for number in range(20)]
    products = [[urls[number % 20]] for number in range(20_000)]
    request_id = await client.upload(a_catalogue(products))
    async with AsyncMongoClient[dict[str, Any]](stack.servers.mongodb_url) as mongo:
        requests = mongo.get_default_database()["requests"]

        async def half_in() -> bool:
            return await requests.find_one({"_id": request_id, "intake_rows": {"$gt": 0}}) is not None

        await until(half_in, 30)
        freeze(stack, "gateway")
        await interrupt(stack, "gateway")
        document = await requests.find_one({"_id": request_id})
        assert document
        assert document["intake_open"], "the gateway ended too late to prove anything"
    await stack.services.start("gateway")
    status = await client.finished(request_id, 90)
    assert status["status"] == "Completed"
    assert status["progress"]["total"] == 20
    await check_slots(client, request_id, products, set())


async def test_a_request_finishes_although_the_aggregator_is_killed_before_the_finish(
    stack: LocalStack, client: StackClient, origin: Origin, receiver: CollectingReceiver, subscriber: Subscriber
) -> None:
    """Many rows make writing the outputs slow enough to be interrupted."""
    url = origin.serve("/one.jpg", image(a_photo(1, 64, 64)))
    products = [[url]] * 30_000
    request_id = await client.upload(a_catalogue(products), webhook_url=receiver.url)
    async with AsyncMongoClient[dict[str, Any]](stack.servers.mongodb_url) as mongo:
        database = mongo.get_default_database()

        async def only_the_finish_is_left() -> bool:
            request = await database["requests"].find_one({"_id": request_id})
            image = await database["images"].find_one({"request_id": request_id})
            return bool(request and not request["intake_open"] and image and image["state"] == "compressed")

        await until(only_the_finish_is_left, 60)
        await stack.services.kill("aggregator")
        request = await database["requests"].find_one({"_id": request_id})
        assert request
        assert request["status"] == "Pending", "the aggregator was killed too late to prove anything"
    await stack.services.start("aggregator")
    status = await client.finished(request_id, 90)
    assert status["status"] == "Completed"
    assert len(await client.table(status["output_csv_url"])) == 30_000
    await check_events(subscriber, request_id, compressed=1, failed=0)
    await check_one_webhook(stack, receiver, request_id)
    await check_queues_empty(stack)
