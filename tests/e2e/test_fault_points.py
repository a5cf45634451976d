"""A service is killed at one point of its work and started again: the request ends as if nothing had happened."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import httpx
import pytest
from pymongo import AsyncMongoClient

from deploy.local.services import NAMES
from deploy.local.stack import LocalStack
from tests.support.collecting_receiver import CollectingReceiver
from tests.support.expiry import expire, until_gone
from tests.support.fault_points import POINTS
from tests.support.faulty import LAUNCHER, arm, disarm
from tests.support.freezing import count_images
from tests.support.origin import Origin, Response, image
from tests.support.passed_time import let_deliveries_be_due, let_leases_run_out
from tests.support.pictures import a_photo
from tests.support.request_invariants import check_events, check_images, check_queues_empty, check_slots
from tests.support.stack import StackClient, a_catalogue
from tests.support.subscriber import Subscriber
from tests.support.waiting import until

ROWS = 600
"""More than intake writes at once."""

UPLOAD = ("stored-before-recorded", "recorded-before-answered")
RETRY = ("round-begun",)
CANCEL = ("cancel-begun", "between-steps-of-a-cancel", "before-a-cancelled-round-is-finished")
REMOVAL = ("between-objects-and-records", "between-records")
LATER = tuple(name for name in POINTS if name not in {*UPLOAD, *RETRY, *CANCEL, *REMOVAL})
"""Points that are reached after the client has its answer."""


@pytest.fixture(scope="module", autouse=True)
async def killable_services(stack: LocalStack) -> AsyncIterator[None]:
    """Every service can be killed at its points. In the end all run as usual, and no message is left."""
    disarm(stack.home)
    await asyncio.gather(*(_restart(stack, name, LAUNCHER) for name in NAMES))
    yield
    disarm(stack.home)
    await _restart(stack, "gateway", ())
    await check_queues_empty(stack)  # restarts the others


async def _restart(stack: LocalStack, name: str, launcher: Sequence[str]) -> None:
    await stack.services.stop(name)
    await stack.services.start(name, launcher=launcher)


class Work:
    """A request of three images in 600 rows; one image is not found, until the request is retried."""

    def __init__(
        self,
        stack: LocalStack,
        origin: Origin,
        client: StackClient,
        receiver: CollectingReceiver,
        subscriber: Subscriber,
    ) -> None:
        self._stack = stack
        self._client = client
        self._receiver = receiver
        self._subscriber = subscriber
        self._origin = origin
        urls = [origin.serve(f"/{number}.jpg", image(a_photo(number, 64, 64))) for number in range(2)]
        self.missing = origin.serve("/missing.jpg", Response(status=404))
        self.products = [[*urls, self.missing]] * ROWS

    async def upload(self) -> str:
        return await self._client.upload(a_catalogue(self.products), webhook_url=self._receiver.url)

    def find(self) -> None:
        """From now on the host has the missing image."""
        self._origin.serve("/missing.jpg", image(a_photo(2, 64, 64)))

    async def check_end(self, request_id: str) -> None:
        """It ended as if nothing had happened."""
        status = await self._client.finished(request_id)
        assert status["status"] == "Completed"
        await check_slots(self._client, request_id, self.products, {self.missing})
        await check_images(self._stack.servers.mongodb_url, request_id, compressed=2, failed=1)
        await check_events(self._subscriber, request_id, compressed=2, failed=1)
        await _webhooks(self._stack, self._receiver, request_id, 1)


@pytest.fixture
def work(
    stack: LocalStack, origin: Origin, client: StackClient, receiver: CollectingReceiver, subscriber: Subscriber
) -> Work:
    return Work(stack, origin, client, receiver, subscriber)


@pytest.mark.parametrize("point", LATER)
async def test_a_request_survives_a_kill_at_any_point_of_its_way(stack: LocalStack, work: Work, point: str) -> None:
    arm(stack.home, point)
    request_id = await work.upload()
    await _dies_and_starts_again(stack, POINTS[point].service)
    await work.check_end(request_id)


@pytest.mark.parametrize("point", UPLOAD)
async def test_an_upload_without_an_answer_is_recorded_completely_or_not_at_all(
    stack: LocalStack, work: Work, point: str
) -> None:
    known = await _request_ids(stack)
    arm(stack.home, point)
    with pytest.raises(httpx.TransportError):
        await work.upload()
    await _dies_and_starts_again(stack, POINTS[point].service)
    recorded = await _request_ids(stack) - known
    assert len(recorded) == (1 if point == "recorded-before-answered" else 0)
    request_id = recorded.pop() if recorded else await work.upload()
    await work.check_end(request_id)


@pytest.mark.parametrize("point", RETRY)
async def test_a_retry_without_an_answer_has_begun_completely(
    stack: LocalStack, client: StackClient, receiver: CollectingReceiver, work: Work, point: str
) -> None:
    request_id = await work.upload()
    await client.finished(request_id)
    await _webhooks(stack, receiver, request_id, 1)
    work.find()
    arm(stack.home, point)
    with pytest.raises(httpx.TransportError):
        await client.http.post(f"/requests/{request_id}/retry")
    await _dies_and_starts_again(stack, POINTS[point].service)
    status = await client.finished(request_id)
    assert (status["round"], status["status"]) == (2, "Completed")
    await check_slots(client, request_id, work.products, set())
    await check_images(stack.servers.mongodb_url, request_id, compressed=3, failed=0)
    await _webhooks(stack, receiver, request_id, 2)


@pytest.mark.parametrize("point", CANCEL)
async def test_a_cancel_that_is_interrupted_goes_on(
    stack: LocalStack,
    client: StackClient,
    origin: Origin,
    receiver: CollectingReceiver,
    subscriber: Subscriber,
    point: str,
) -> None:
    """One image is done before the cancel; the other two never come."""
    hangs = replace(image(a_photo(3, 64, 64)), until=asyncio.Event())
    done = origin.serve("/done.jpg", image(a_photo(4, 64, 64)))
    hanging = [origin.serve(f"/hangs-{number}.jpg", hangs) for number in range(2)]
    products = [[done, *hanging]]
    request_id = await client.upload(a_catalogue(products), webhook_url=receiver.url)
    await until(lambda: _is_compressed(stack, request_id), 20)
    arm(stack.home, point)
    with suppress(httpx.TransportError):
        await client.http.post(f"/requests/{request_id}/cancel")
    await _dies_and_starts_again(stack, POINTS[point].service)
    status = await client.finished(request_id)
    assert status["status"] == "Cancelled"
    await check_slots(client, request_id, products, set(hanging))
    await check_images(stack.servers.mongodb_url, request_id, compressed=1, failed=0, cancelled=2)
    await check_events(subscriber, request_id, compressed=1, failed=0, end="request.cancelled")
    await _webhooks(stack, receiver, request_id, 1)


@pytest.mark.parametrize("point", REMOVAL)
async def test_a_removal_that_is_interrupted_goes_on(
    stack: LocalStack, client: StackClient, receiver: CollectingReceiver, work: Work, point: str
) -> None:
    request_id = await work.upload()
    await client.finished(request_id)
    await _webhooks(stack, receiver, request_id, 1)
    arm(stack.home, point)
    await asyncio.to_thread(expire, stack, request_id)
    await _dies_and_starts_again(stack, POINTS[point].service)
    await until_gone(stack, request_id)


async def _is_compressed(stack: LocalStack, request_id: str) -> bool:
    return await count_images(stack, request_id, ["compressed"]) == 1


async def _dies_and_starts_again(stack: LocalStack, service: str) -> None:
    assert await stack.services.ended(service, within=20) < 0, "it ended by itself"
    disarm(stack.home)
    await let_leases_run_out(stack.servers.mongodb_url)
    await let_deliveries_be_due(stack.servers.mongodb_url)
    await stack.services.start(service, launcher=LAUNCHER)


async def _webhooks(stack: LocalStack, receiver: CollectingReceiver, request_id: str, rounds: int) -> None:
    """One logical webhook for each finished round."""
    secret = stack.joint()["WEBHOOK_SECRET"]
    await until(
        lambda: len(receiver.verified(secret, request_id)) == rounds,
        20,
        lambda: f"webhooks: {receiver.verified(secret, request_id)}",
    )


async def _request_ids(stack: LocalStack) -> set[str]:
    async with AsyncMongoClient[dict[str, Any]](stack.servers.mongodb_url) as mongo:
        return set(await mongo.get_default_database()["requests"].distinct("_id"))
