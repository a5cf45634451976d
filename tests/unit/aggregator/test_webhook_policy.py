"""The body of a webhook, its signatures, and when it is tried again."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from services.aggregator.webhook_policy import WebhookResponse, WebhookRetryPolicy, new_delivery, signed_headers
from shared.contracts.deliveries import DeliveryState
from shared.contracts.events import request_finished_event
from shared.contracts.object_keys import outputs_key
from shared.contracts.records import Progress
from shared.contracts.states import RequestStatus
from shared.settings import MAX_BASE_URL_CHARS
from tests.support.aggregating import BASE_URL, a_request
from tests.support.builders import NOW, REQUEST_ID

OLD_SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"
NEW_SECRET = "whsec_ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4"
FINISHED = request_finished_event(
    a_request(
        status=RequestStatus.COMPLETED,
        progress=Progress(total=3, compressed=2, failed=1, pending=0, as_of=NOW),
        output_key="outputs/r/1/a-compressed.csv",
        report_key="outputs/r/1/a-report.csv",
        report_json_key="outputs/r/1/a-report.json",
        finished_at=NOW,
    ),
    BASE_URL,
)
DELIVERY = new_delivery(FINISHED, REQUEST_ID, "https://shop.test/hook")
POLICY = WebhookRetryPolicy(schedule=(5, 300, 1800), jitter=0.1, retry_after_max=3600)


def test_the_body_has_the_data_of_the_public_event() -> None:
    assert DELIVERY.url == "https://shop.test/hook"
    assert DELIVERY.delivery_id == f"{REQUEST_ID}:1:request.completed"
    assert (DELIVERY.event_type, DELIVERY.receiver, DELIVERY.created_at) == ("request.completed", "shop.test", NOW)
    assert (DELIVERY.attempts, DELIVERY.due_at, DELIVERY.state) == (0, NOW, DeliveryState.PENDING)
    assert json.loads(DELIVERY.body) == {
        "type": "request.completed",
        "timestamp": "2026-01-05T12:00:00.000Z",
        "data": {
            "request_id": REQUEST_ID,
            "round": 1,
            "status": "Completed",
            "error_code": None,
            "images": {"total": 3, "compressed": 2, "failed": 1, "cancelled": 0, "reused": 0},
            "output_csv_url": "http://imagemill.test/outputs/r/1/a-compressed.csv",
            "report_url": "http://imagemill.test/outputs/r/1/a-report.csv",
            "report_json_url": "http://imagemill.test/outputs/r/1/a-report.json",
            "failed_csv_url": None,
            "created_at": "2026-01-05T11:00:00.000Z",
            "finished_at": "2026-01-05T12:00:00.000Z",
            "expires_at": None,
        },
    }


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=-8)), timezone(timedelta(hours=5, minutes=30))])
def test_a_receiver_can_verify_the_signature_whatever_our_time_zone(zone: timezone) -> None:
    headers = signed_headers(DELIVERY.delivery_id, DELIVERY.body, [Webhook(NEW_SECRET)], datetime.now(zone))

    assert Webhook(NEW_SECRET).verify(DELIVERY.body, headers) == json.loads(DELIVERY.body)
    assert headers["webhook-id"] == DELIVERY.delivery_id
    assert headers["content-type"] == "application/json"


def test_with_two_secrets_receivers_with_either_can_verify() -> None:
    headers = signed_headers(
        DELIVERY.delivery_id, DELIVERY.body, [Webhook(NEW_SECRET), Webhook(OLD_SECRET)], datetime.now(UTC)
    )

    assert len(headers["webhook-signature"].split(" ")) == 2
    Webhook(OLD_SECRET).verify(DELIVERY.body, headers)
    Webhook(NEW_SECRET).verify(DELIVERY.body, headers)


def test_a_changed_body_does_not_verify() -> None:
    headers = signed_headers(DELIVERY.delivery_id, DELIVERY.body, [Webhook(NEW_SECRET)], datetime.now(UTC))

    with pytest.raises(WebhookVerificationError):
        Webhook(NEW_SECRET).verify(DELIVERY.body.replace("Completed", "Failed"), headers)


@pytest.mark.parametrize(
    ("status", "accepted"), [(200, True), (204, True), (299, True), (199, False), (302, False), (500, False)]
)
def test_only_2xx_accepts_the_webhook(status: int, accepted: bool) -> None:
    assert (WebhookResponse.of(status, {}).error is None) is accepted


def wait(response: WebhookResponse, attempts: int = 1, chance: float = 0.0) -> float | None:
    due_at = POLICY.next_step(response, attempts, NOW, chance).due_at
    return None if due_at is None else (due_at - NOW).total_seconds()


@pytest.mark.parametrize(("attempts", "seconds"), [(1, 5), (2, 300), (3, 1800), (4, None), (5, None)])
def test_attempts_follow_the_schedule_and_then_end(attempts: int, seconds: float | None) -> None:
    assert wait(WebhookResponse(None, "timed out"), attempts) == seconds


@pytest.mark.parametrize("status", [200, 204, 410])
def test_a_delivery_ends_when_it_is_accepted_or_the_receiver_is_gone(status: int) -> None:
    assert wait(WebhookResponse.of(status, {"retry-after": "30"})) is None


def test_jitter_adds_up_to_its_share_of_the_wait() -> None:
    assert wait(WebhookResponse.of(500, {}), attempts=2, chance=1.0) == 330


@pytest.mark.parametrize(
    ("status", "attempts", "state"),
    [
        (204, 1, DeliveryState.DELIVERED),
        (410, 1, DeliveryState.DISABLED),
        (500, 3, DeliveryState.PENDING),
        (500, 4, DeliveryState.ABANDONED),
        (204, 4, DeliveryState.DELIVERED),
    ],
)
def test_the_state_after_an_attempt(status: int, attempts: int, state: DeliveryState) -> None:
    assert POLICY.next_step(WebhookResponse.of(status, {}), attempts, NOW, 0).state is state


@pytest.mark.parametrize(
    ("status", "retry_after", "seconds"),
    [(429, None, 5), (502, None, 5), (504, "60", 60), (503, "1", 5), (429, "99999", 3600), (500, "60", None)],
)
def test_an_overloaded_receiver_gets_no_further_calls_for_a_while(
    status: int, retry_after: str | None, seconds: float | None
) -> None:
    headers = {} if retry_after is None else {"retry-after": retry_after}
    until = POLICY.throttled_until(WebhookResponse.of(status, headers), NOW)
    assert (until and (until - NOW).total_seconds()) == seconds


def test_a_delivery_to_a_disabled_receiver_is_recorded_and_not_due() -> None:
    delivery = new_delivery(FINISHED, REQUEST_ID, "https://shop.test/hook", disabled=True)
    assert (delivery.state, delivery.due_at) == (DeliveryState.DISABLED, None)
    assert delivery.body == DELIVERY.body


@pytest.mark.parametrize("url", ["https://[shop.test/hook", "https:///hook", "https://shop.test:x/"])
def test_a_url_without_a_usable_host_has_a_receiver_too(url: str) -> None:
    assert new_delivery(FINISHED, REQUEST_ID, url).receiver == ""


@given(st.text(max_size=255), st.integers(min_value=1, max_value=2**31))
def test_the_body_stays_below_20_kilobytes(filename: str, round_: int) -> None:
    """Standard Webhooks recommends less; the longest parts of the body are URLs."""
    base_url = ("https://imagemill.test/" + 'a"' * 1000)[:MAX_BASE_URL_CHARS]
    request = replace(
        a_request(status=RequestStatus.COMPLETED, filename=filename, finished_at=NOW, round=round_),
        progress=Progress(total=2**62, compressed=2**62, failed=2**62, pending=0, as_of=NOW, reused=2**62),
        output_key=outputs_key(REQUEST_ID, round_, filename, "compressed"),
        report_key=outputs_key(REQUEST_ID, round_, filename, "report"),
        report_json_key=outputs_key(REQUEST_ID, round_, filename, "report", "json"),
        failed_key=outputs_key(REQUEST_ID, round_, filename, "failed"),
    )
    delivery = new_delivery(request_finished_event(request, base_url), REQUEST_ID, "https://shop.test/hook")
    assert len(delivery.body.encode()) < 20_000


@pytest.mark.parametrize(
    ("status", "retry_after", "seconds"),
    [
        (503, "60", 60),
        (429, " 60 ", 60),
        (502, "60", 60),
        (504, "60", 60),
        (500, "60", 5),  # not a throttling status
        (503, "1", 5),  # never earlier than the schedule
        (503, "999999999", 3600),
        (503, "9" * 13, 3600),
        (503, "9" * 400, 3600),
        (503, "Mon, 05 Jan 2026 12:02:00 GMT", 120),
        (503, "Mon, 05 Jan 2026 12:02:00 -0000", 120),
        (503, "Sun, 04 Jan 2026 12:00:00 GMT", 5),
        (503, "Fri, 31 Dec 9999 23:59:59 GMT", 3600),
        (503, "soon", 5),
        (503, "", 5),
        (503, "-60", 5),
        (503, "²", 5),
        (503, "0\x1f", 5),
        (503, "1 Jan " + "9" * 30 + " 12:00:00 GMT", 5),
    ],
)
def test_retry_after_is_honoured_up_to_the_limit(status: int, retry_after: str, seconds: float) -> None:
    assert wait(WebhookResponse.of(status, {"retry-after": retry_after})) == seconds


@given(st.text())
def test_any_retry_after_gives_a_wait_between_the_schedule_and_the_limit(retry_after: str) -> None:
    seconds = wait(WebhookResponse.of(503, {"retry-after": retry_after}))

    assert seconds is not None
    assert 5 <= seconds <= 3600


def test_there_is_one_attempt_more_than_the_schedule_has_entries() -> None:
    response, attempts = WebhookResponse.of(500, {}), 0
    delivery = DELIVERY
    while delivery.due_at is not None:
        attempts += 1
        delivery = replace(delivery, attempts=attempts, due_at=POLICY.next_step(response, attempts, NOW, 0.5).due_at)

    assert attempts == 1 + len(POLICY.schedule)
