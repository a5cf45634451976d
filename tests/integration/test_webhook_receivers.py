"""Many deliveries that are due at once, on a real broker and database: receivers that hang or are overloaded."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from services.gateway.background.parts import BackgroundParts
from services.gateway.background.sweep import Sweep
from services.gateway.settings import DispatchSettings
from shared.contracts.deliveries import DeliveryState
from shared.contracts.messages import DeliverWebhook
from shared.messaging import Queue, Subscription
from shared.observability import Metrics
from shared.persistence import RenewableLease, open_database
from shared.settings import MongoSettings
from tests.support.messaging_runtime import Runtime, open_runtime
from tests.support.scripted_receiver import Reply, open_receiver
from tests.support.waiting import until
from tests.support.webhooks import MESSAGE, WebhookHarness, utc_now

WORKERS = 16
PER_RECEIVER = 4
DUE = 200


@pytest.fixture
async def harness(mongodb_url: str) -> AsyncIterator[WebhookHarness]:
    async with open_database(MongoSettings(mongodb_url=mongodb_url), asyncio.Event()) as database:
        yield WebhookHarness(database)


@asynccontextmanager
async def an_aggregator(
    harness: WebhookHarness, rabbitmq_url: str, **changes: Any
) -> AsyncIterator[tuple[Runtime, asyncio.Event]]:
    """Its runtime, and the event that stops it."""
    async with (
        harness.deliverer(webhook_per_receiver=PER_RECEIVER, **changes) as deliver,
        open_runtime(rabbitmq_url) as runtime,
        runtime.consuming(Subscription(Queue.WEBHOOKS, (DeliverWebhook,), deliver, WORKERS)) as stop,
    ):
        yield runtime, stop


@asynccontextmanager
async def sweeping(harness: WebhookHarness, runtime: Runtime) -> AsyncIterator[None]:
    """The sweep of a gateway, several times a second."""
    database = harness.database
    parts = BackgroundParts(database, runtime.publisher.publish, utc_now, Metrics(CollectorRegistry()))
    sweep = Sweep(parts, RenewableLease(database.lease("dispatch", 15), 15), DispatchSettings())

    async def repeat() -> None:
        while True:
            await sweep.step()
            await asyncio.sleep(0.2)

    running = asyncio.create_task(repeat())
    try:
        yield
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_a_hanging_receiver_does_not_delay_other_receivers(harness: WebhookHarness, rabbitmq_url: str) -> None:
    never = asyncio.Event()
    async with AsyncExitStack() as opened:
        slow = await opened.enter_async_context(open_receiver(Reply(until=never)))
        healthy = await opened.enter_async_context(open_receiver())
        for number in range(DUE):
            await harness.put(slow.url, f"slow:{number}:done")
        limits = {"webhook_timeout": 2.5, "webhook_schedule": (3600.0,)}
        runtime, _ = await opened.enter_async_context(an_aggregator(harness, rabbitmq_url, **limits))
        await opened.enter_async_context(an_aggregator(harness, rabbitmq_url, **limits))
        await runtime.publisher.publish([DeliverWebhook(delivery_id=f"slow:{number}:done") for number in range(DUE)])
        await opened.enter_async_context(sweeping(harness, runtime))
        await until(lambda: len(slow.calls) >= 2 * PER_RECEIVER, what="the receiver hangs")
        began = time.monotonic()
        await harness.put(healthy.url, "healthy:1:done")
        await until(lambda: len(healthy.calls) == 1, 10, "the other receiver is called")
        waited = time.monotonic() - began

        assert waited < 2
        assert slow.most_open == 2 * PER_RECEIVER  # each aggregator has its own slots
    waiting = await harness.database.deliveries.of_request("slow")
    assert sum(delivery.attempts for delivery in waiting) == len(slow.calls)  # waiting costs no attempt


async def test_the_deliveries_to_one_receiver_follow_each_other_without_the_sweep(
    harness: WebhookHarness, rabbitmq_url: str
) -> None:
    async with open_receiver() as receiver, an_aggregator(harness, rabbitmq_url) as (runtime, _):
        for number in range(30):
            await harness.put(receiver.url, f"due-{number}:1:done")
        await runtime.publisher.publish([DeliverWebhook(delivery_id="due-0:1:done")])
        await until(lambda: harness.count("delivered") == 30, 20, "all are delivered")

    assert len(receiver.calls) == 30


async def test_an_overloaded_receiver_gets_no_further_calls_and_no_attempt_is_lost(
    harness: WebhookHarness, rabbitmq_url: str
) -> None:
    throttled = Reply(429, {"Retry-After": "60"})
    async with open_receiver(throttled) as receiver, an_aggregator(harness, rabbitmq_url) as (runtime, _):
        for number in range(20):
            await harness.put(receiver.url, f"due:{number}:done")
        began = utc_now()
        await runtime.publisher.publish([DeliverWebhook(delivery_id=f"due:{number}:done") for number in range(20)])
        await until(lambda: harness.count("deferred") >= 1, what="the first response")
        await asyncio.sleep(0.5)  # shows that nothing else is sent

    deliveries = await harness.database.deliveries.of_request("due")
    assert len(receiver.calls) <= 2 * PER_RECEIVER
    assert sum(delivery.attempts for delivery in deliveries) == len(receiver.calls)
    assert all(delivery.state is DeliveryState.PENDING for delivery in deliveries)
    assert all(delivery.due_at and delivery.due_at >= began + timedelta(seconds=59) for delivery in deliveries)


async def test_a_process_that_is_stopped_finishes_its_attempts(harness: WebhookHarness, rabbitmq_url: str) -> None:
    answer = asyncio.Event()
    slow = Reply(200, until=answer)
    async with open_receiver(slow) as receiver, an_aggregator(harness, rabbitmq_url) as (runtime, stop):
        await harness.put(receiver.url)
        await runtime.publisher.publish([MESSAGE])
        async with asyncio.timeout(10):
            await receiver.called.wait()
        stop.set()
        await asyncio.sleep(0.2)  # makes the receiver slow
        answer.set()

    delivery = await harness.delivery()
    assert (delivery.state, delivery.attempts, len(receiver.calls)) == (DeliveryState.DELIVERED, 1, 1)
