"""Webhooks against real receivers, with the deliveries in a real MongoDB."""

import asyncio
import json
import socket
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from services.gateway.webhooks.views import delivery_details
from shared.contracts.deliveries import DeliveryState
from shared.contracts.messages import DeliverWebhook
from shared.persistence import open_database
from shared.settings import MongoSettings
from tests.support.odd_responses import ODD_RESPONSES
from tests.support.origin import open_server
from tests.support.scripted_receiver import Reply, ScriptedReceiver, open_receiver
from tests.support.webhooks import DELIVERY_ID, MESSAGE, SCHEDULE, WebhookHarness, utc_now, verify

BODY = json.dumps({"type": "request.completed", "data": {"note": "Straße"}})


@pytest.fixture
async def harness(mongodb_url: str) -> AsyncIterator[WebhookHarness]:
    async with open_database(MongoSettings(mongodb_url=mongodb_url), asyncio.Event()) as database:
        yield WebhookHarness(database)


async def test_it_is_tried_again_until_it_is_accepted_and_every_attempt_verifies(harness: WebhookHarness) -> None:
    async with open_receiver(Reply(500), Reply(500), Reply(200)) as receiver, harness.deliverer() as deliver:
        await harness.put(receiver.url, body=BODY)
        delivery = await harness.deliver_until_ended(deliver)

    assert (delivery.attempts, delivery.state, delivery.last_error) == (3, DeliveryState.DELIVERED, None)
    assert len(receiver.calls) == 3
    for call in receiver.calls:
        assert verify(call) == json.loads(BODY)
        assert call.body == BODY.encode()
        assert call.headers["webhook-id"] == DELIVERY_ID
        assert call.headers["content-type"] == "application/json"
    first, second, third = (call.time for call in receiver.calls)
    assert second - first >= SCHEDULE[0]
    assert third - second >= SCHEDULE[1]
    assert (harness.count("deferred"), harness.count("delivered"), harness.count("abandoned")) == (2, 1, 0)


async def test_the_delivery_ends_after_the_schedule_and_is_counted_as_abandoned(harness: WebhookHarness) -> None:
    async with open_receiver(Reply(500)) as receiver, harness.deliverer() as deliver:
        await harness.put(receiver.url)
        delivery = await harness.deliver_until_ended(deliver)

    assert (delivery.attempts, delivery.state) == (1 + len(SCHEDULE), DeliveryState.ABANDONED)
    assert len(receiver.calls) == 1 + len(SCHEDULE)
    assert (harness.count("deferred"), harness.count("abandoned")) == (len(SCHEDULE), 1)


async def test_a_timeout_is_tried_again(harness: WebhookHarness) -> None:
    never = asyncio.Event()
    async with (
        open_receiver(Reply(until=never), Reply(200)) as receiver,
        harness.deliverer(webhook_timeout=0.3) as deliver,
    ):
        await harness.put(receiver.url)
        await deliver(MESSAGE)
        assert (await harness.delivery()).last_error == "no response in time"
        delivery = await harness.deliver_until_ended(deliver)

    assert (delivery.attempts, delivery.state) == (2, DeliveryState.DELIVERED)


@pytest.mark.parametrize(
    "reply", [Reply(200, body=b"x" * 10_000, drip=True), Reply(200, body=b"x" * 1_000_000)], ids=["slow", "long"]
)
async def test_a_receiver_that_accepted_it_need_not_finish_its_response(harness: WebhookHarness, reply: Reply) -> None:
    async with open_receiver(reply) as receiver, harness.deliverer(webhook_timeout=0.5) as deliver:
        await harness.put(receiver.url)
        await deliver(MESSAGE)

    assert (await harness.delivery()).state is DeliveryState.DELIVERED


async def test_credentials_are_sent_with_every_attempt_and_neither_recorded_in_the_log_nor_logged(
    harness: WebhookHarness,
) -> None:
    token = b64encode(b"me@shop:p\xc3\xa4ss/word").decode()
    echo = f"no: Authorization: Basic {token} / p\u00e4ss/word / {token}".encode()
    async with open_receiver(Reply(500, body=echo), Reply(200)) as receiver, harness.deliverer() as deliver:
        url = receiver.url.replace("://", "://me%40shop:p%C3%A4ss%2Fword@")
        with capture_logs() as logged:
            await harness.put(url)
            delivery = await harness.deliver_until_ended(deliver)

    assert delivery.state is DeliveryState.DELIVERED
    assert delivery.receiver == receiver.url.split("/")[2]
    assert [call.headers["authorization"] for call in receiver.calls] == [f"Basic {token}"] * 2
    assert {call.headers["host"] for call in receiver.calls} == {delivery.receiver}
    shown = f"{delivery_details(delivery)!r} {logged!r} {delivery.log!r}"
    assert "the receiver answered 500" in shown
    assert not any(secret in shown for secret in ("me@shop", "me%40shop", "word", token))


async def test_credentials_do_not_follow_a_redirect_and_are_not_sent_to_other_receivers(
    harness: WebhookHarness,
) -> None:
    async with open_receiver() as plain, harness.deliverer(webhook_schedule=()) as deliver:
        moved = Reply(307, {"Location": plain.url})
        async with open_receiver(moved) as receiver:
            await harness.put(receiver.url.replace("://", "://me:secret@"))
            await harness.deliver_until_ended(deliver)
        assert plain.calls == []
        await harness.put(plain.url, other := f"{DELIVERY_ID}2")
        await deliver(DeliverWebhook(delivery_id=other))

    assert "authorization" not in plain.calls[0].headers


async def test_a_redirect_fails_the_attempt_and_is_not_followed(harness: WebhookHarness) -> None:
    async with open_receiver() as elsewhere:
        moved = Reply(307, {"Location": elsewhere.url})
        async with open_receiver(moved) as receiver, harness.deliverer(webhook_schedule=()) as deliver:
            await harness.put(receiver.url)
            delivery = await harness.deliver_until_ended(deliver)

    assert (delivery.state, delivery.last_error) == (DeliveryState.ABANDONED, "the receiver answered 307")
    assert elsewhere.calls == []


async def test_retry_after_delays_the_next_attempt(harness: WebhookHarness) -> None:
    async with open_receiver(Reply(503, {"Retry-After": "60"}), Reply(200)) as receiver, harness.deliverer() as deliver:
        await harness.put(receiver.url)
        started_at = utc_now()
        await deliver(MESSAGE)
        await deliver(MESSAGE)  # too early: dropped

    delivery = await harness.delivery()
    assert delivery.due_at is not None
    assert delivery.due_at - started_at >= timedelta(seconds=60)
    assert (delivery.attempts, len(receiver.calls)) == (1, 1)


async def test_many_copies_of_a_message_make_one_attempt(harness: WebhookHarness) -> None:
    async with open_receiver() as receiver, harness.deliverer() as deliver:
        await harness.put(receiver.url)
        await asyncio.gather(*(deliver(MESSAGE) for _ in range(20)))
        await deliver(MESSAGE)

    assert len(receiver.calls) == 1
    assert ((await harness.delivery()).attempts, harness.count("delivered")) == (1, 1)


async def test_an_unknown_delivery_is_dropped(harness: WebhookHarness) -> None:
    async with harness.deliverer() as deliver:
        assert await deliver(DeliverWebhook(delivery_id="unknown")) == []


def blocked_url(receiver: ScriptedReceiver) -> str:
    return receiver.url


def named_url(receiver: ScriptedReceiver) -> str:
    return receiver.url.replace("127.0.0.1", "localhost")


@pytest.mark.parametrize("url", [blocked_url, named_url])
async def test_a_private_address_is_never_called(
    harness: WebhookHarness, url: Callable[[ScriptedReceiver], str]
) -> None:
    async with open_receiver() as receiver, harness.deliverer(webhook_allow_networks=()) as deliver:
        await harness.put(url(receiver))
        delivery = await harness.deliver_until_ended(deliver)

    assert receiver.calls == []
    assert (delivery.attempts, delivery.state) == (1 + len(SCHEDULE), DeliveryState.ABANDONED)
    assert "blocked address" in (delivery.last_error or "")


async def test_a_refused_connection_is_tried_again_and_recorded(harness: WebhookHarness) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/"
        async with harness.deliverer() as deliver:
            await harness.put(url)
            delivery = await harness.deliver_until_ended(deliver)

    assert (delivery.attempts, delivery.state) == (1 + len(SCHEDULE), DeliveryState.ABANDONED)
    assert "refused" in (delivery.last_error or "")


async def test_a_receiver_that_floods_the_connection_fails_the_attempt(harness: WebhookHarness) -> None:
    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        while True:
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000)
            await writer.drain()

    async with open_server(flood) as port, harness.deliverer() as deliver:
        await harness.put(f"http://127.0.0.1:{port}/")
        await deliver(MESSAGE)
    delivery = await harness.delivery()
    assert (delivery.attempts, delivery.state) == (1, DeliveryState.PENDING)
    assert "longer than" in (delivery.last_error or "")


@pytest.mark.parametrize(
    ("name", "state", "error"),
    [
        ("no colon", DeliveryState.DELIVERED, None),
        ("bare line feeds", DeliveryState.DELIVERED, None),
        ("two lengths", DeliveryState.PENDING, "more than one Content-Length"),
    ],
)
async def test_an_odd_response_of_a_receiver_counts_unless_it_cannot_be_read(
    harness: WebhookHarness, name: str, state: DeliveryState, error: str | None
) -> None:
    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(ODD_RESPONSES[name].build(b"thanks"))
        await writer.drain()

    async with open_server(respond) as port, harness.deliverer() as deliver:
        await harness.put(f"http://127.0.0.1:{port}/")
        await deliver(MESSAGE)
    delivery = await harness.delivery()
    assert (delivery.attempts, delivery.state, delivery.last_error) == (1, state, error)


async def test_an_attempt_that_a_dying_process_leaves_behind_is_repeated(mongodb_url: str) -> None:
    settings = MongoSettings(mongodb_url=mongodb_url)
    ahead = timedelta()
    never = asyncio.Event()
    async with open_database(settings, asyncio.Event(), lambda: utc_now() + ahead) as database:
        harness = WebhookHarness(database)
        async with open_receiver(Reply(until=never), Reply(200)) as receiver, harness.deliverer() as deliver:
            await harness.put(receiver.url)
            attempt = asyncio.create_task(deliver(MESSAGE))
            async with asyncio.timeout(10):
                await receiver.called.wait()
            attempt.cancel()
            await asyncio.gather(attempt, return_exceptions=True)

            await deliver(MESSAGE)
            assert len(receiver.calls) == 1  # the first attempt may still be running
            ahead = timedelta(minutes=1)
            await deliver(MESSAGE)

        delivery = await harness.delivery()
        assert (len(receiver.calls), delivery.attempts, delivery.state) == (2, 1, DeliveryState.DELIVERED)
        assert {call.headers["webhook-id"] for call in receiver.calls} == {DELIVERY_ID}
