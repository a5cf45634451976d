"""Services killed or told to stop, and the broker taken away, while images run: nothing is lost or doubled."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from pymongo import AsyncMongoClient

from deploy.local.services import NAMES
from deploy.local.stack import LocalStack
from tests.support.at_work import OPEN_STATES, count_images, freeze, freeze_at_work, some_are_compressed, thaw
from tests.support.oracle import check_events, check_images, check_queues_empty, check_slots
from tests.support.origin import Origin, image, open_origin
from tests.support.pictures import a_photo
from tests.support.stack import StackClient, a_catalogue
from tests.support.subscriber import Subscriber
from tests.support.waiting import until
from tests.support.webhook_receiver import Receiver

IMAGES = 300
HANGING = 5
"""Downloads that have begun and cannot end before the service is struck."""

OUTAGE_SECONDS = 31

Strike = Callable[[LocalStack, str], Awaitable[None]]
"""Ends a frozen service."""


async def kill(stack: LocalStack, service: str) -> None:
    await stack.services.kill(service)


async def terminate(stack: LocalStack, service: str) -> None:
    """Not a kill: it finishes what it has in hand, and says so by its exit status."""
    thaw(stack, service)
    assert await stack.services.stop(service) == 0


@pytest.fixture(scope="module")
def photos() -> list[bytes]:
    """Large enough that a few hundred take seconds to process."""
    return [a_photo(number, 640, 480) for number in range(30)]


def serve_products(origin: Origin, photos: list[bytes], count: int = IMAGES, prefix: str = "photo") -> list[list[str]]:
    urls = [origin.serve(f"/{prefix}/{number}.jpg", image(photos[number % len(photos)])) for number in range(count)]
    return [urls[start : start + 4] for start in range(0, count, 4)]


@pytest.mark.parametrize("strike", [kill, terminate])
@pytest.mark.parametrize("service", NAMES)
async def test_three_hundred_images_survive_the_end_of_a_service(
    stack: LocalStack,
    client: StackClient,
    origin: Origin,
    receiver: Receiver,
    subscriber: Subscriber,
    photos: list[bytes],
    *,
    service: str,
    strike: Strike,
) -> None:
    # A host of its own, lest the other images wait for it too.
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
        await strike(stack, service)
        await stack.services.start(service)
        status = await client.finished(request_id, 90)

    assert status["progress"]["compressed"] == IMAGES
    await check_all(stack, client, subscriber, request_id, products)
    await check_one_webhook(stack, receiver, request_id)
    await check_queues_empty(stack)


async def test_while_the_broker_is_away_uploads_are_accepted_and_all_completes_afterwards(
    stack: LocalStack,
    client: StackClient,
    origin: Origin,
    receiver: Receiver,
    subscriber: Subscriber,
    photos: list[bytes],
) -> None:
    before, meanwhile = serve_products(origin, photos), serve_products(origin, photos, 20, "meanwhile")
    earlier = await client.upload(a_catalogue(before), webhook_url=receiver.url)
    await some_are_compressed(stack, earlier)
    try:
        await stack.servers.stop_broker()
        assert await count_images(stack, earlier, OPEN_STATES), "it was stopped too late to show anything"
        await asyncio.sleep(OUTAGE_SECONDS / 2)
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


async def check_all(
    stack: LocalStack, client: StackClient, subscriber: Subscriber, request_id: str, products: list[list[str]]
) -> None:
    """Each image was compressed, once as far as anybody can tell."""
    images = sum(map(len, products))
    await check_slots(client, request_id, products, set())
    await check_images(stack.servers.mongodb_url, request_id, compressed=images, failed=0)
    await check_events(subscriber, request_id, compressed=images, failed=0)


async def check_one_webhook(stack: LocalStack, receiver: Receiver, request_id: str) -> None:
    async def called() -> bool:
        return bool(receiver.calls)

    await until(called, 20, lambda: "the receiver was not called")
    assert len(receiver.verified(stack.joint()["WEBHOOK_SECRET"], request_id)) == 1


@pytest.mark.parametrize("strike", [kill, terminate])
async def test_the_gateway_ends_in_the_middle_of_intake(
    stack: LocalStack, client: StackClient, origin: Origin, strike: Strike
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
        await strike(stack, "gateway")
        document = await requests.find_one({"_id": request_id})
        assert document
        assert document["intake_open"], "it ended too late to show anything"
    await stack.services.start("gateway")
    status = await client.finished(request_id, 90)
    assert status["status"] == "Completed"
    assert status["progress"]["total"] == 20
    await check_slots(client, request_id, products, set())


async def test_the_aggregator_killed_between_the_last_result_and_the_finish(
    stack: LocalStack, client: StackClient, origin: Origin, receiver: Receiver, subscriber: Subscriber
) -> None:
    """Many rows make the finish long enough to be killed in."""
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
        assert request["status"] == "Pending", "it was killed too late to show anything"
    await stack.services.start("aggregator")
    status = await client.finished(request_id, 90)
    assert status["status"] == "Completed"
    assert len(await client.table(status["output_csv_url"])) == 30_000
    await check_events(subscriber, request_id, compressed=1, failed=0)
    await check_one_webhook(stack, receiver, request_id)
    await check_queues_empty(stack)
