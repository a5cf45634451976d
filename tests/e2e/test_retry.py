"""Retrying a request: failed images run again, compressed images stay, and a new round is announced."""

import asyncio
from collections import Counter
from dataclasses import replace
from typing import Any

import httpx
from pymongo import AsyncMongoClient

from deploy.local.stack import LocalStack
from tests.support.collecting_receiver import CollectingReceiver
from tests.support.freezing import freeze
from tests.support.origin import Origin, Response, image
from tests.support.pictures import a_photo
from tests.support.request_invariants import check_images, check_queues_empty, check_slots
from tests.support.stack import StackClient, a_catalogue
from tests.support.subscriber import Subscriber
from tests.support.waiting import until

BLOCKED = 8_000
"""Enough to make moving them slow. Their URLs are refused before connecting, so processing them is fast."""


async def _retry(client: StackClient, request_id: str) -> httpx.Response:
    return await client.http.post(f"/requests/{request_id}/retry")


async def _check_refused(client: StackClient, request_id: str, kind: str, round_: int) -> None:
    answer = await _retry(client, request_id)
    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == f"urn:imagemill:problem:{kind}"
    assert answer.json()["round"] == round_


async def _check_webhooks(stack: LocalStack, receiver: CollectingReceiver, request_id: str, rounds: int) -> None:
    secret = stack.joint()["WEBHOOK_SECRET"]

    async def all_came() -> bool:
        return len(receiver.verified(secret, request_id)) >= rounds

    await until(all_came, 20, lambda: "the webhook of a round is missing")
    delivered = receiver.verified(secret, request_id)
    assert sorted(body["data"]["round"] for body in delivered.values()) == list(range(1, rounds + 1))


async def _check_events(subscriber: Subscriber, request_id: str, expected: dict[str, int]) -> None:
    def seen() -> Counter[str]:
        return Counter(event["type"] for event in subscriber.about(request_id).values())

    async def complete() -> bool:
        return seen() == Counter(expected)

    await until(complete, 20, lambda: f"events are {seen()}, not {expected}")


async def test_only_failed_images_are_retried(
    stack: LocalStack, client: StackClient, origin: Origin, receiver: CollectingReceiver, subscriber: Subscriber
) -> None:
    photos = [a_photo(number, 64, 64) for number in range(6)]
    good = [origin.serve(f"/good-{number}.jpg", image(photo)) for number, photo in enumerate(photos[:4])]
    gone = origin.serve("/gone.jpg", Response(status=404))
    page = origin.serve("/page.jpg", Response(body=b"<html>not yet</html>", headers={"Content-Type": "text/html"}))
    products = [[good[0], gone], [good[1]], [page, good[2], gone], [good[3]]]
    request_id = await client.upload(a_catalogue(products), webhook_url=receiver.url)
    first = await client.finished(request_id)
    await check_slots(client, request_id, products, {gone, page})
    assert first["failed_csv_url"]

    let_go = asyncio.Event()
    origin.serve("/gone.jpg", replace(image(photos[4]), until=let_go))
    origin.serve("/page.jpg", image(photos[5]))
    answers = await asyncio.gather(*(_retry(client, request_id) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [202, 409, 409, 409]
    [accepted] = [answer for answer in answers if answer.status_code == 202]
    assert accepted.json() == {"request_id": request_id, "status": "Pending", "round": 2, "images": 2}
    assert accepted.headers["location"] == f"/status?request_id={request_id}"
    await _check_refused(client, request_id, "under-way", 2)
    running = await client.status(request_id)
    assert (running["status"], running["round"], running["output_csv_url"]) == ("Pending", 2, None)
    let_go.set()

    second = await client.finished(request_id)
    assert second["progress"]["compressed"] == 6
    assert second["failed_csv_url"] is None
    await check_slots(client, request_id, products, set())
    assert [origin.request_count(f"/good-{number}.jpg") for number in range(4)] == [1, 1, 1, 1]
    assert (origin.request_count("/gone.jpg"), origin.request_count("/page.jpg")) == (2, 2)
    for key in ("output_csv_url", "report_url", "failed_csv_url"):
        assert (await client.http.get(first[key])).status_code == 200
        assert first[key] != second[key]
    before, after = await client.table(first["report_url"]), await client.table(second["report_url"])
    kept = [line["Output Image Url"] for line in before]
    assert [line["Output Image Url"] if url else "" for line, url in zip(after, kept, strict=True)] == kept
    await _check_webhooks(stack, receiver, request_id, 2)
    ends = {"image.compressed": 6, "image.failed": 2, "request.completed": 2}
    await _check_events(subscriber, request_id, {"request.accepted": 1, **ends})
    await _check_refused(client, request_id, "nothing-to-retry", 2)


async def test_an_invalid_url_is_not_retried(client: StackClient, origin: Origin) -> None:
    good = origin.serve("/good.jpg", image(a_photo(1, 64, 64)))
    request_id = await client.upload(a_catalogue([[good, "ftp://images.test/1.jpg"]]))
    await client.finished(request_id)
    await _check_refused(client, request_id, "nothing-to-retry", 1)


async def test_an_unknown_request_cannot_be_retried(client: StackClient) -> None:
    for request_id in ("none", "01KDA7ZZ0000000000000000AB"):
        assert (await _retry(client, request_id)).status_code == 404


async def test_the_gateway_killed_while_failed_images_are_moved(
    stack: LocalStack, client: StackClient, origin: Origin, receiver: CollectingReceiver, subscriber: Subscriber
) -> None:
    good = origin.serve("/good.jpg", image(a_photo(1, 64, 64)))
    products = [[good], *([f"http://10.0.0.1/{number}.jpg"] for number in range(BLOCKED))]
    request_id = await client.upload(a_catalogue(products), webhook_url=receiver.url)
    await client.finished(request_id, 90)
    async with AsyncMongoClient[dict[str, Any]](stack.servers.mongodb_url) as mongo:
        database = mongo.get_default_database()

        async def moved() -> int:
            return await database["images"].count_documents({"request_id": request_id, "round": 2})

        async def some_moved() -> bool:
            return await database["images"].find_one({"request_id": request_id, "round": 2}) is not None

        assert (await _retry(client, request_id)).json()["images"] == BLOCKED
        await until(some_moved, 30)
        freeze(stack, "gateway")
        assert await moved() < BLOCKED, "it was frozen too late to prove anything"
        await stack.services.kill("gateway")
        await stack.services.start("gateway")
        status = await client.finished(request_id, 120)
        assert await moved() == BLOCKED
    assert (status["status"], status["round"]) == ("Completed", 2)
    assert origin.request_count("/good.jpg") == 1
    await check_images(stack.servers.mongodb_url, request_id, compressed=1, failed=BLOCKED)
    await _check_webhooks(stack, receiver, request_id, 2)
    ends = {"image.compressed": 1, "image.failed": 2 * BLOCKED, "request.completed": 2}
    await _check_events(subscriber, request_id, {"request.accepted": 1, **ends})
    await check_queues_empty(stack)
