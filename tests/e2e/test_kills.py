"""Services killed and the broker restarted while images run: the request completes and nothing is lost or doubled."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from pymongo import AsyncMongoClient

from deploy.local.stack import LocalStack
from tests.e2e.mill import Mill, a_catalogue, until
from tests.e2e.oracle import check_events, check_images, check_queues_empty, check_slots
from tests.e2e.receiver import Receiver
from tests.e2e.subscriber import Subscriber
from tests.origin import Answer, Origin
from tests.pictures import a_photo

IMAGES = 300
JPEG = {"Content-Type": "image/jpeg"}

Disturb = Callable[[LocalStack], Coroutine[Any, Any, None]]


def kill_and_restart(service: str) -> Disturb:
    async def disturb(stack: LocalStack) -> None:
        await stack.services.kill(service)
        await stack.services.start(service)

    return disturb


async def restart_broker(stack: LocalStack) -> None:
    await stack.servers.stop_broker()
    await stack.servers.start_broker()


async def terminate_and_restart(stack: LocalStack) -> None:
    """Not a kill: the worker drains, and says so by its exit status."""
    assert await stack.services.stop("compressor") == 0
    assert await stack.services.stop("downloader") == 0
    await stack.services.start("downloader")
    await stack.services.start("compressor")


@pytest.mark.parametrize(
    "disturb",
    [
        *(
            pytest.param(kill_and_restart(service), id=f"kill-{service}")
            for service in ("gateway", "downloader", "compressor", "aggregator")
        ),
        pytest.param(restart_broker, id="restart-broker"),
        pytest.param(terminate_and_restart, id="terminate-workers"),
    ],
)
async def test_three_hundred_images_survive(
    stack: LocalStack, mill: Mill, origin: Origin, receiver: Receiver, subscriber: Subscriber, disturb: Disturb
) -> None:
    disturbed = asyncio.Event()
    # The second half is held back until the disturbance is over, so that it comes in the middle for certain.
    urls = [
        origin.serve(
            f"/{number}.jpg",
            Answer(body=a_photo(number, 160, 120), headers=JPEG, until=disturbed if number >= IMAGES // 2 else None),
        )
        for number in range(IMAGES)
    ]
    products = [urls[start : start + 4] for start in range(0, IMAGES, 4)]
    request_id = await mill.upload(a_catalogue(products), webhook_url=receiver.url)

    async def under_way() -> bool:
        return int((await mill.status(request_id))["progress"]["compressed"]) >= IMAGES // 10

    await until(under_way, 30)
    disturbing = asyncio.create_task(disturb(stack))
    await asyncio.sleep(0.2)
    disturbed.set()
    await disturbing

    status = await mill.finished(request_id, 120)
    assert status["status"] == "Completed"
    assert status["progress"]["compressed"] == IMAGES
    await check_slots(mill, request_id, products, set())
    await check_images(stack.servers.mongodb_url, request_id, compressed=IMAGES, failed=0)
    await check_events(subscriber, request_id, compressed=IMAGES, failed=0)

    async def called() -> bool:
        return bool(receiver.calls)

    await until(called, 20)
    assert len(receiver.verified(stack.joint()["WEBHOOK_SECRET"], request_id)) == 1
    await check_queues_empty(stack.servers.rabbitmq_url)


async def test_the_gateway_killed_in_the_middle_of_intake(stack: LocalStack, mill: Mill, origin: Origin) -> None:
    urls = [origin.serve(f"/{number}.jpg", Answer(body=a_photo(number, 64, 64), headers=JPEG)) for number in range(20)]
    products = [[urls[number % 20]] for number in range(20_000)]
    request_id = await mill.upload(a_catalogue(products))
    async with AsyncMongoClient[dict[str, Any]](stack.servers.mongodb_url) as client:
        requests = client.get_default_database()["requests"]

        async def half_in() -> bool:
            document = await requests.find_one({"_id": request_id})
            return bool(document and document["intake_open"] and document["intake_rows"] > 0)

        await until(half_in, 30)
        await stack.services.kill("gateway")
        document = await requests.find_one({"_id": request_id})
        assert document
        assert document["intake_open"], "it was killed too late to show anything"
    await stack.services.start("gateway")
    status = await mill.finished(request_id, 90)
    assert status["status"] == "Completed"
    assert status["progress"]["total"] == 20
    await check_slots(mill, request_id, products, set())


async def test_the_aggregator_killed_between_the_last_result_and_the_finish(
    stack: LocalStack, mill: Mill, origin: Origin, receiver: Receiver, subscriber: Subscriber
) -> None:
    """Many rows make the finish long enough to be killed in."""
    url = origin.serve("/one.jpg", Answer(body=a_photo(1, 64, 64), headers=JPEG))
    products = [[url]] * 30_000
    request_id = await mill.upload(a_catalogue(products), webhook_url=receiver.url)
    async with AsyncMongoClient[dict[str, Any]](stack.servers.mongodb_url) as client:
        database = client.get_default_database()

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
    status = await mill.finished(request_id, 90)
    assert status["status"] == "Completed"
    assert len(await mill.table(status["output_csv_url"])) == 30_000
    await check_events(subscriber, request_id, compressed=1, failed=0)

    async def called() -> bool:
        return bool(receiver.calls)

    await until(called, 20)
    assert len(receiver.verified(stack.joint()["WEBHOOK_SECRET"], request_id)) == 1
    await check_queues_empty(stack.servers.rabbitmq_url)
