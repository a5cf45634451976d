"""Cancelling a request: finished images are kept, the rest is dropped, and one end is announced, whatever happens."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import pytest
from pymongo import AsyncMongoClient

from deploy.local.stack import LocalStack
from services.downloader.settings import FetchSettings
from tests.e2e.test_kills import Interruption, kill, terminate
from tests.support.collecting_receiver import CollectingReceiver
from tests.support.freezing import OPEN_STATES, count_images, freeze
from tests.support.origin import Origin, image, open_origin
from tests.support.pictures import a_photo
from tests.support.request_invariants import check_images, check_queues_empty, check_slots
from tests.support.stack import OUTPUT_COLUMN, StackClient, a_catalogue
from tests.support.subscriber import Subscriber
from tests.support.waiting import until

QUICK, HANGING = 40, 400
TOTAL = QUICK + HANGING
HOSTS = 20
"""Each has more hanging images than a downloader may request at once, and together more than it can process."""

IN_HAND = 100
MAX_IN_HAND = FetchSettings.model_fields["fetch_concurrency"].default
"""Commands that the downloader has taken from its queue; some wait for a host that has its maximum of requests."""

ROWS = 20_000
RACES = 20


async def _cancel(client: StackClient, request_id: str) -> httpx.Response:
    return await client.http.post(f"/requests/{request_id}/cancel")


async def _begin_cancel(client: StackClient, request_id: str) -> None:
    answer = await _cancel(client, request_id)
    assert answer.status_code == 202, answer.text
    expected = {"request_id": request_id, "round": 1, "status": "Pending", "cancelling": True}
    assert answer.json() == expected
    assert answer.headers["location"] == f"/status?request_id={request_id}"


async def _check_ends(
    stack: LocalStack,
    subscriber: Subscriber,
    receiver: CollectingReceiver,
    request_id: str,
    expected: dict[str, int],
    rounds: list[tuple[int, str]],
) -> None:
    """The public events by type, and one webhook for each of `rounds`: its number and the status it ended with."""
    secret = stack.joint()["WEBHOOK_SECRET"]

    def seen() -> Counter[str]:
        return Counter(event["type"] for event in subscriber.about(request_id).values())

    def called() -> list[tuple[int, str]]:
        bodies = receiver.verified(secret, request_id).values()
        return sorted((body["data"]["round"], body["data"]["status"]) for body in bodies)

    async def complete() -> bool:
        return seen() == +Counter(expected) and called() == rounds

    await until(complete, 20, lambda: f"events are {seen()}, not {expected}; webhooks {called()}, not {rounds}")


@dataclass
class Hanging:
    """Hosts whose responses wait for `let_go`."""

    hosts: list[Origin]
    let_go: asyncio.Event = field(default_factory=asyncio.Event)

    def serve(self, count: int) -> list[str]:
        photos = [replace(image(a_photo(number, 64, 64)), until=self.let_go) for number in range(count)]
        return [
            self.hosts[number % len(self.hosts)].serve(f"/{number}.jpg", photo) for number, photo in enumerate(photos)
        ]

    def requests(self) -> int:
        return sum(len(host.requests) for host in self.hosts)

    async def in_hand(self, count: int = 4) -> None:
        async def some_hang() -> bool:
            return self.requests() >= count

        await until(some_hang, 30, lambda: f"only {self.requests()} downloads hang")


@pytest.fixture
async def hanging() -> AsyncIterator[Hanging]:
    async with AsyncExitStack() as opened:
        hanging = Hanging([await opened.enter_async_context(open_origin()) for _ in range(HOSTS)])
        yield hanging
        hanging.let_go.set()


async def _check_cancelled(client: StackClient, status: dict[str, Any]) -> None:
    """The status and the files of a request whose quick images are compressed and whose hanging ones are cancelled."""
    assert (status["status"], status["cancelling"]) == ("Cancelled", False)
    assert status["expires_at"], "it is removed like any finished request"
    counts = {name: status["progress"][name] for name in ("total", "compressed", "failed", "cancelled", "pending")}
    assert counts == {"total": TOTAL, "compressed": QUICK, "failed": 0, "cancelled": HANGING, "pending": 0}
    report = await client.table(status["report_url"])
    assert Counter(line["State"] for line in report) == {"compressed": QUICK, "cancelled": HANGING}
    failed_csv = await client.table(status["failed_csv_url"])
    assert {code for row in failed_csv for code in row["Error Codes"].split(" | ")} == {"cancelled"}
    assert (await client.http.get(status["report_json_url"])).json()["images"]["cancelled"] == HANGING


async def test_cancelling_in_the_middle_keeps_finished_images_and_a_retry_completes_the_rest(
    stack: LocalStack,
    client: StackClient,
    origin: Origin,
    hanging: Hanging,
    receiver: CollectingReceiver,
    subscriber: Subscriber,
) -> None:
    quick = [origin.serve(f"/{number}.jpg", image(a_photo(number, 64, 64))) for number in range(QUICK)]
    slow = hanging.serve(HANGING)
    products = [[one, *slow[number::QUICK]] for number, one in enumerate(quick)]
    request_id = await client.upload(a_catalogue(products), webhook_url=receiver.url)

    async def all_quick_ones_are_done() -> bool:
        return await count_images(stack, request_id, ["compressed"]) == QUICK

    await until(all_quick_ones_are_done, 30)
    await hanging.in_hand(IN_HAND)
    answers = await asyncio.gather(*(_cancel(client, request_id) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {202}
    status = await client.finished(request_id, 15)

    await _check_cancelled(client, status)
    await check_slots(client, request_id, products, set(slow))
    requests = hanging.requests()
    assert HANGING - requests > MAX_IN_HAND, "too few commands wait in the queue to prove that they are dropped"
    hanging.let_go.set()  # the downloads in progress end now: their results come too late
    assert (await _cancel(client, request_id)).json()["status"] == "Cancelled"
    events = {"request.accepted": 1, "image.compressed": QUICK, "request.cancelled": 1}
    await _check_ends(stack, subscriber, receiver, request_id, events, [(1, "Cancelled")])
    await check_queues_empty(stack)
    assert hanging.requests() - requests <= MAX_IN_HAND, "commands that waited in the queue were executed"
    await check_images(stack.servers.mongodb_url, request_id, QUICK, 0, HANGING)

    retried = await client.http.post(f"/requests/{request_id}/retry")
    assert (retried.status_code, retried.json()["images"]) == (202, HANGING)
    status = await client.finished(request_id, 60)
    assert (status["status"], status["round"], status["progress"]["compressed"]) == ("Completed", 2, TOTAL)
    await check_slots(client, request_id, products, set())
    assert all(origin.request_count(f"/{number}.jpg") == 1 for number in range(QUICK))
    events |= {"image.compressed": TOTAL, "request.completed": 1}
    await _check_ends(stack, subscriber, receiver, request_id, events, [(1, "Cancelled"), (2, "Completed")])
    answer = await _cancel(client, request_id)
    assert (answer.status_code, answer.json()["request_status"]) == (409, "Completed")


@pytest.mark.parametrize("interrupt", [kill, pytest.param(terminate, marks=pytest.mark.slow)])
async def test_cancelling_during_intake_survives_a_kill_or_stop_of_each_service(
    stack: LocalStack,
    client: StackClient,
    hanging: Hanging,
    receiver: CollectingReceiver,
    subscriber: Subscriber,
    *,
    interrupt: Interruption,
) -> None:
    hang = hanging.serve(QUICK)
    products = [[hang[0]] if number % 2 else [f"{hang[number % QUICK]}?{number}"] for number in range(ROWS)]
    request_id = await client.upload(a_catalogue(products), webhook_url=receiver.url)
    async with AsyncMongoClient[dict[str, Any]](stack.servers.mongodb_url) as mongo:
        requests = mongo.get_default_database()["requests"]

        async def some_are_cancelled() -> bool:
            return await count_images(stack, request_id, ["cancelled"]) > 0

        async def only_the_finish_is_left() -> bool:
            closed = await requests.find_one({"_id": request_id, "intake_open": False})
            return closed is not None and not await count_images(stack, request_id, OPEN_STATES)

        await hanging.in_hand()
        for service in ("gateway", "downloader", "compressor", "aggregator"):
            if service == "gateway":
                await _begin_cancel(client, request_id)
                await until(some_are_cancelled, 30)
            if service == "aggregator":
                await until(only_the_finish_is_left, 60)
            freeze(stack, service)
            await interrupt(stack, service)
            if service == "gateway":
                document = await requests.find_one({"_id": request_id, "intake_open": True})
                assert document, "the gateway ended too late to prove anything"
            hanging.let_go.set()
            await stack.services.start(service)
    status = await client.finished(request_id, 60)

    progress = status["progress"]
    compressed, cancelled = progress["compressed"], progress["cancelled"]
    assert (status["status"], progress["pending"]) == ("Cancelled", 0)
    assert progress["total"] == ROWS // 2 + 1
    assert cancelled >= ROWS // 4
    rows = await client.table(status["output_csv_url"])
    assert [row["S. No."] for row in rows] == [str(number) for number in range(1, ROWS + 1)]
    assert len({row[OUTPUT_COLUMN] for row in rows[1::2]}) == 1
    assert sum(bool(row[OUTPUT_COLUMN]) for row in rows[0::2]) <= compressed
    await check_images(stack.servers.mongodb_url, request_id, compressed, progress["failed"], cancelled)
    images = {"image.compressed": compressed, "image.failed": progress["failed"]}
    events = {"request.accepted": 1, "request.cancelled": 1, **images}
    await _check_ends(stack, subscriber, receiver, request_id, events, [(1, "Cancelled")])


async def test_a_request_that_is_cancelled_during_an_outage_of_the_broker_ends_after_it(
    stack: LocalStack, client: StackClient, hanging: Hanging, receiver: CollectingReceiver, subscriber: Subscriber
) -> None:
    urls = hanging.serve(QUICK)
    request_id = await client.upload(a_catalogue([urls]), webhook_url=receiver.url)
    await hanging.in_hand()
    try:
        await stack.servers.stop_broker()
        await _begin_cancel(client, request_id)
    finally:
        await stack.servers.start_broker()
    status = await client.finished(request_id, 60)
    assert (status["status"], status["progress"]["cancelled"]) == ("Cancelled", len(urls))
    hanging.let_go.set()
    events = {"request.accepted": 1, "request.cancelled": 1}
    await _check_ends(stack, subscriber, receiver, request_id, events, [(1, "Cancelled")])


async def test_in_races_of_a_cancellation_with_the_finish_each_request_has_one_end(
    stack: LocalStack, client: StackClient, origin: Origin, receiver: CollectingReceiver, subscriber: Subscriber
) -> None:
    urls = [origin.serve(f"/{number}.jpg", image(a_photo(number, 64, 64))) for number in range(RACES)]

    async def race(number: int) -> tuple[str, int]:
        request_id = await client.upload(a_catalogue([[urls[number]]]), webhook_url=receiver.url)
        await asyncio.sleep(number * 0.06)  # some are cancelled early, some late
        return request_id, (await _cancel(client, request_id)).status_code

    ends: Counter[str] = Counter()
    for request_id, answer in await asyncio.gather(*map(race, range(RACES))):
        status = await client.finished(request_id, 30)
        end, progress = status["status"], status["progress"]
        ends[end] += 1
        assert answer in ({202} if end == "Cancelled" else {202, 409})
        assert (await _cancel(client, request_id)).status_code == answer, "a repetition has another response"
        assert (progress["compressed"], progress["cancelled"]) == ((0, 1) if end == "Cancelled" else (1, 0))
        events = {"request.accepted": 1, f"request.{end.lower()}": 1, "image.compressed": progress["compressed"]}
        await _check_ends(stack, subscriber, receiver, request_id, events, [(1, end)])
    assert ends.keys() <= {"Cancelled", "Completed"}
