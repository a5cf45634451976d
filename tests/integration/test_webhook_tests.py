"""POST /webhooks/test: a gateway's API, a real broker, the aggregator's handler and real receivers."""

import asyncio
import time
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from services.aggregator.send_test_webhook import WebhookTestSender
from services.gateway.webhooks import webhook_test_replies
from shared.contracts.messages import WEBHOOK_TESTS_AT_ONCE, SendTestWebhook
from shared.errors import BrokerUnavailable
from shared.messaging import Queue, Subscription
from shared.url_policy import AddressPolicy
from tests.fakes import MovableClock
from tests.support.messaging_runtime import Runtime, open_runtime
from tests.support.running_gateway import Gateway, an_app, problem
from tests.support.scripted_receiver import Reply, open_receiver
from tests.support.waiting import until
from tests.support.webhooks import LOOPBACK, open_caller, utc_now, verify, webhook_settings

TIMEOUT = 2.0


@asynccontextmanager
async def aggregator(rabbitmq_url: str, **changes: Any) -> AsyncIterator[Runtime]:
    async with (
        open_caller(webhook_settings(webhook_timeout=TIMEOUT, **changes)) as call,
        open_runtime(rabbitmq_url) as runtime,
        runtime.consuming(Subscription(Queue.WEBHOOK_TESTS, (SendTestWebhook,), WebhookTestSender(call, utc_now), 8)),
    ):
        yield runtime


@pytest.fixture
async def connected(gateway: Gateway, rabbitmq_url: str) -> AsyncIterator[Gateway]:
    """A gateway that is connected to the broker and allows receivers on loopback."""
    gateway.registry = CollectorRegistry()
    gateway.server.app = an_app(gateway, MovableClock(), webhook_policy=AddressPolicy(allow_networks=LOOPBACK))
    stop, replies = asyncio.Event(), webhook_test_replies()

    def can_be_answered() -> bool:
        try:
            return bool(replies.queue)
        except BrokerUnavailable:
            return False

    async with open_runtime(rabbitmq_url) as runtime, asyncio.TaskGroup() as tasks:
        tasks.create_task(replies.receive(runtime.broker, runtime.health, stop))
        await until(can_be_answered, what="a queue for replies")
        with gateway.aggregator.connected(runtime.publisher.publish, replies):
            yield gateway
        stop.set()


async def outcome(gateway: Gateway, url: str) -> dict[str, Any]:
    answer = await gateway.http.post("/webhooks/test", json={"url": url})
    assert answer.status_code == 200, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    document: dict[str, Any] = answer.json()
    return document


async def test_the_receiver_gets_one_signed_event_and_the_client_its_response(
    connected: Gateway, rabbitmq_url: str
) -> None:
    replies = (Reply(202, body=b"thanks, token=abc"), Reply(500, body=b"no"))
    async with open_receiver(*replies) as receiver, aggregator(rabbitmq_url):
        accepted, refused = [await outcome(connected, receiver.url) for _ in range(2)]

    first, second = receiver.calls
    event = verify(first)
    assert event["type"] == "webhook.test"
    assert event["data"]["message"]
    assert accepted.pop("duration_ms") >= 0
    assert accepted == {
        "webhook_id": first.headers["webhook-id"],
        "delivered": True,
        "status": 202,
        "error": None,
        "response": "thanks, token=***",
    }
    assert (refused["delivered"], refused["status"], refused["response"]) == (False, 500, "no")
    assert refused["error"] == "the receiver answered 500"
    assert first.headers["webhook-id"] != second.headers["webhook-id"]


async def test_credentials_are_sent_and_the_outcome_does_not_have_them(connected: Gateway, rabbitmq_url: str) -> None:
    token = b64encode(b"me:secret'word").decode()
    async with (
        open_receiver(Reply(401, body=f"Basic {token} secret'word".encode())) as receiver,
        aggregator(rabbitmq_url),
    ):
        refused = await outcome(connected, receiver.url.replace("://", "://me:secret'word@"))

    assert receiver.calls[0].headers["authorization"] == f"Basic {token}"
    assert (refused["status"], refused["error"]) == (401, "the receiver answered 401")
    assert refused["response"] == "Basic *** ***"


async def test_a_receiver_that_hangs_or_is_not_there_has_an_outcome_too(connected: Gateway, rabbitmq_url: str) -> None:
    never = asyncio.Event()
    async with open_receiver(Reply(until=never)) as receiver, aggregator(rabbitmq_url):
        began = time.monotonic()
        hung = await outcome(connected, receiver.url)
        waited = time.monotonic() - began
        gone = await outcome(connected, "http://127.0.0.1:1/")

    assert (hung["delivered"], hung["status"], hung["error"]) == (False, None, "no response in time")
    assert TIMEOUT <= waited < TIMEOUT + 5
    assert (gone["delivered"], gone["status"]) == (False, None)
    assert "refused" in gone["error"]


async def test_a_name_that_resolves_to_a_private_address_is_not_called(connected: Gateway, rabbitmq_url: str) -> None:
    async with open_receiver() as receiver, aggregator(rabbitmq_url, webhook_allow_networks=()):
        refused = await outcome(connected, receiver.url.replace("127.0.0.1", "localhost"))

    assert receiver.calls == []
    assert "blocked address" in refused["error"]


@pytest.mark.parametrize(
    "body",
    [
        {"json": {"url": " {url} "}},
        {"data": {"url": "{url}"}},
        {"files": {"url": (None, "{url}")}},
    ],
    ids=lambda body: next(iter(body)),
)
async def test_the_url_may_be_json_or_a_form(connected: Gateway, rabbitmq_url: str, body: dict[str, Any]) -> None:
    async with open_receiver() as receiver, aggregator(rabbitmq_url):
        [(kind, fields)] = body.items()
        value = fields["url"]
        filled = (None, receiver.url) if isinstance(value, tuple) else value.replace("{url}", receiver.url)
        sent: dict[str, Any] = {kind: {"url": filled}}
        answer = await connected.http.post("/webhooks/test", **sent)

    assert answer.json()["delivered"], answer.text


async def test_without_an_aggregator_the_client_is_asked_to_try_again(gateway: Gateway) -> None:
    answer = await gateway.http.post("/webhooks/test", json={"url": "https://shop.test/hook"})
    assert "not connected to RabbitMQ" in problem(answer, 503)["detail"]
    assert int(answer.headers["Retry-After"]) > 0


async def test_a_limited_number_of_tests_run_at_the_same_time(connected: Gateway, rabbitmq_url: str) -> None:
    answer = asyncio.Event()
    async with open_receiver(Reply(until=answer)) as receiver, aggregator(rabbitmq_url):
        running = [asyncio.create_task(outcome(connected, receiver.url)) for _ in range(WEBHOOK_TESTS_AT_ONCE)]
        await until(lambda: len(receiver.calls) == WEBHOOK_TESTS_AT_ONCE, what="the tests run")
        refused = await connected.http.post("/webhooks/test", json={"url": receiver.url})
        answer.set()
        assert all([(await each)["delivered"] for each in running])

    assert problem(refused, 429)["type"] == "urn:imagemill:problem:too-many-tests"
    assert len(receiver.calls) == WEBHOOK_TESTS_AT_ONCE


JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
TWICE = ["url is given 2 times", "url cannot be called: not an http or https URL"]


@pytest.mark.parametrize(
    ("sent", "errors"),
    [
        ({"json": {"url": "http://127.0.0.1/"}}, ["url cannot be called: blocked address (loopback)"]),
        ({"json": {"url": "http://0177.0.0.1/"}}, ["url cannot be called: blocked address (loopback)"]),
        ({"json": {"url": "http://0178.0.0.1/"}}, ["url cannot be called: the host is not a valid IPv4 address"]),
        ({"json": {"url": "ftp://shop.test/"}}, ["url cannot be called: not an http or https URL"]),
        ({"json": {"url": "https://8.8.8.8:22/"}}, ["url cannot be called: blocked port 22"]),
        (
            {"json": {"url": "https://me:secret@127.0.0.1/"}},
            ["url cannot be called: blocked address (loopback)"],
        ),
        ({"json": {"url": "https://a%3Ab:secret@shop.test/"}}, ["url cannot be called: a colon in the user name"]),
        ({"json": {}}, ["url is missing"]),
        ({"json": {"url": 5}}, ["url is not a string"]),
        ({"json": {"url": None}}, ["url is not a string"]),
        ({"json": {"url": ["https://shop.test/"]}}, ["url is not a string"]),
        ({"json": {"url": {"url": "https://shop.test/"}}}, ["url is not a string"]),
        ({"content": rb'{"url": "\ud800"}', "headers": JSON}, ["url cannot be called: not an http or https URL"]),
        (
            {"content": rb'{"\ud800": 1}', "headers": JSON},
            ["'?' is not a field; the only one is url", "url is missing"],
        ),
        ({"json": {"url": " "}}, ["url is missing"]),
        ({}, ["the body is empty"]),
        ({"headers": JSON}, ["the body is empty"]),
        ({"headers": {"Content-Type": "text/csv"}}, ["the body is empty"]),
        ({"json": {"urk": "x"}}, ["'urk' is not a field; the only one is url", "url is missing"]),
        ({"content": b'{"url": "https://shop.test/", "url": "x"}', "headers": JSON}, TWICE),
        ({"content": b"url=https://shop.test/&url=x", "headers": FORM}, TWICE),
        ({"json": ["url"]}, ["the body is not a JSON object"]),
        ({"json": []}, ["the body is not a JSON object"]),
        ({"content": b"null", "headers": JSON}, ["the body is not a JSON object"]),
        ({"content": b"{", "headers": JSON}, ["the body is not JSON"]),
        ({"content": b"[" * 30_000, "headers": JSON}, ["the body is not JSON"]),
        ({"content": b"\xff", "headers": JSON}, ["the body is not JSON"]),
        ({"files": {"url": ("a.txt", b"https://shop.test/")}}, ["the body is not a form without files"]),
    ],
)
async def test_what_cannot_be_called_is_refused_with_every_reason(
    gateway: Gateway, sent: dict[str, Any], errors: list[str]
) -> None:
    document = problem(await gateway.http.post("/webhooks/test", **sent), 422)
    assert document["type"] == "urn:imagemill:problem:fields"
    assert [error["detail"] for error in document["errors"]] == errors


async def test_other_bodies_are_refused(gateway: Gateway) -> None:
    text = await gateway.http.post("/webhooks/test", content=b"x", headers={"Content-Type": "text/csv"})
    assert "application/json" in problem(text, 415)["detail"]
    assert text.headers["Accept-Post"].startswith("application/json")
    no_boundary = {"Content-Type": "multipart/form-data"}
    form = await gateway.http.post("/webhooks/test", content=b"x", headers=no_boundary)
    assert "without a boundary" in problem(form, 415)["detail"]
    long = problem(await gateway.http.post("/webhooks/test", content=b"x" * 40_000, headers=JSON), 413)
    assert long["type"] == "urn:imagemill:problem:too-large"
    assert "32,768" in long["detail"]


async def test_the_url_is_not_taken_from_the_query(gateway: Gateway) -> None:
    url = {"url": "https://shop.test/"}
    for json in (None, url):
        document = problem(await gateway.http.post("/webhooks/test", params=url, json=json), 422)
        assert document["type"] == "urn:imagemill:problem:parameter"
