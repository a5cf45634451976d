"""The webhook in /status, the list of deliveries and replays over HTTP, with the database in memory."""

from datetime import timedelta
from typing import Any
from urllib.parse import unquote

import pytest

from services.gateway.webhooks import webhook_test_replies
from shared.contracts.deliveries import GONE_DETAIL, DeliveryState
from shared.contracts.messages import DeliverWebhook
from shared.contracts.states import RequestStatus
from tests.support.builders import NOW, REQUEST_ID, a_delivery, a_request, an_attempt
from tests.support.recording_publisher import RecordingPublisher
from tests.support.running_gateway import Gateway, problem

LIST = f"/requests/{REQUEST_ID}/deliveries"
DELIVERY = a_delivery(
    url="https://user:pw@shop.test/hook?token=abc",
    attempts=1,
    due_at=NOW + timedelta(seconds=5),
    last_error="the receiver answered 503",
    log=(an_attempt(response="busy"),),
)
REPLAY = f"{LIST}/{DELIVERY.delivery_id}/replay"
TIME, NEXT_TIME = "2026-01-05T12:00:00.000Z", "2026-01-05T12:00:05.000Z"
SHOWN = {
    "delivery_id": DELIVERY.delivery_id,
    "event_type": "request.completed",
    "url": "https://shop.test/hook?token=***",
    "state": "pending",
    "attempts": 1,
    "replays": 0,
    "last_error": "the receiver answered 503",
    "created_at": TIME,
    "next_attempt_at": NEXT_TIME,
    "replaying": False,
    "log": [
        {
            "at": TIME,
            "duration_ms": 12,
            "status": 503,
            "error": "the receiver answered 503",
            "response": "busy",
            "replay": False,
        }
    ],
}


@pytest.fixture
async def gateway_with_delivery(gateway: Gateway) -> Gateway:
    await gateway.database.requests.insert(a_request(webhook_url="https://shop.test/hook"))
    await gateway.database.deliveries.put(DELIVERY)
    return gateway


async def status_of_webhook(gateway: Gateway) -> Any:
    return (await gateway.http.get(f"/status?request_id={REQUEST_ID}")).json()["webhook"]


async def test_the_list_shows_every_attempt_and_no_secret(gateway_with_delivery: Gateway) -> None:
    answer = await gateway_with_delivery.http.get(LIST.lower())
    assert answer.status_code == 200
    assert answer.json() == {"request_id": REQUEST_ID, "deliveries": [SHOWN]}
    assert answer.headers["Cache-Control"] == "no-store"


async def test_a_request_without_deliveries_has_an_empty_list(gateway: Gateway) -> None:
    await gateway.database.requests.insert(a_request())
    assert (await gateway.http.get(LIST)).json()["deliveries"] == []
    assert await status_of_webhook(gateway) is None


@pytest.mark.parametrize(("path", "method"), [(LIST, "GET"), (REPLAY, "POST"), ("/requests/x/deliveries", "GET")])
async def test_deliveries_of_an_unknown_request(gateway: Gateway, path: str, method: str) -> None:
    document = problem(await gateway.http.request(method, path), 404)
    assert document["type"] == "urn:imagemill:problem:unknown-request"


async def test_deliveries_of_an_expired_request_are_unknown(gateway: Gateway) -> None:
    await gateway.database.requests.insert(a_request(status=RequestStatus.FAILED, expires_at=NOW - timedelta(days=1)))
    problem(await gateway.http.get(LIST), 404)
    problem(await gateway.http.post(REPLAY), 404)


@pytest.mark.parametrize(
    "delivery_id", [f"{REQUEST_ID}:9:request.completed", "another:1:request.completed", "nope", "%00"]
)
async def test_a_replay_of_an_unknown_delivery(gateway_with_delivery: Gateway, delivery_id: str) -> None:
    await gateway_with_delivery.database.deliveries.put(a_delivery("another:1:request.completed"))
    document = problem(await gateway_with_delivery.http.post(f"{LIST}/{delivery_id}/replay"), 404)
    assert document["type"] == "urn:imagemill:problem:unknown-delivery"
    assert repr(unquote(delivery_id)) in document["detail"]


async def test_a_replay_is_recorded_and_requested(gateway_with_delivery: Gateway) -> None:
    gateway, publisher = gateway_with_delivery, RecordingPublisher()
    with gateway.aggregator.connected(publisher.publish, webhook_test_replies()):
        answers = [await gateway.http.post(REPLAY.lower()) for _ in range(2)]

    for answer in answers:
        assert answer.status_code == 202
        assert answer.json() == SHOWN | {"replaying": True}
        assert answer.headers["Location"] == LIST
    assert publisher.sent == [DeliverWebhook(delivery_id=DELIVERY.delivery_id)] * 2
    assert [each.delivery_id for each in await gateway.database.deliveries.claim_due()] == [DELIVERY.delivery_id]


@pytest.mark.parametrize("connected", [False, True])
async def test_without_the_broker_a_replay_waits_for_the_sweep(gateway_with_delivery: Gateway, connected: bool) -> None:
    gateway, publisher = gateway_with_delivery, RecordingPublisher()
    publisher.broken = True
    if connected:
        with gateway.aggregator.connected(publisher.publish, webhook_test_replies()):
            answer = await gateway.http.post(REPLAY)
    else:
        answer = await gateway.http.post(REPLAY)

    assert answer.status_code == 202
    assert [each.delivery_id for each in await gateway.database.deliveries.claim_due()] == [DELIVERY.delivery_id]


async def test_the_status_shows_the_webhook_of_the_current_round(gateway_with_delivery: Gateway) -> None:
    gateway = gateway_with_delivery
    assert await status_of_webhook(gateway) == {
        "state": "pending",
        "attempts": 1,
        "last_error": "the receiver answered 503",
        "next_attempt_at": NEXT_TIME,
    }


@pytest.mark.parametrize(
    ("state_of_round_1", "gone", "shown"),
    [
        (DeliveryState.DELIVERED, False, "pending"),
        (DeliveryState.DELIVERED, True, "disabled"),
        (DeliveryState.DISABLED, False, "disabled"),
        (DeliveryState.ABANDONED, False, "pending"),
    ],
)
async def test_before_a_round_has_ended_its_webhook_is_pending_unless_it_is_disabled(
    gateway: Gateway, state_of_round_1: DeliveryState, gone: bool, shown: str
) -> None:
    await gateway.database.requests.insert(a_request(webhook_url="https://shop.test/hook", round=2))
    await gateway.database.deliveries.put(a_delivery(state=state_of_round_1, due_at=None, attempts=1, gone=gone))

    assert await status_of_webhook(gateway) == {
        "state": shown,
        "attempts": 0,
        "last_error": GONE_DETAIL if shown == "disabled" else None,
        "next_attempt_at": None,
    }
