"""The state of a request's webhook, from its deliveries."""

from datetime import timedelta

from services.gateway.webhooks import webhook_status
from services.gateway.webhooks.views import delivery_details
from shared.contracts.deliveries import DeliveryState
from tests.support.builders import NOW, REQUEST_ID, a_delivery, a_request, an_attempt

FIRST = a_delivery(f"{REQUEST_ID}:1:request.failed", state=DeliveryState.ABANDONED, due_at=None, attempts=10)
SECOND = a_delivery(f"{REQUEST_ID}:2:request.completed", due_at=NOW + timedelta(minutes=5), attempts=2)
ELEVENTH = a_delivery(f"{REQUEST_ID}:11:request.completed", state=DeliveryState.DELIVERED, due_at=None, attempts=1)


def states(round_: int) -> tuple[DeliveryState, int] | None:
    request = a_request(webhook_url="https://shop.test/hook", round=round_)
    status = webhook_status(request, [FIRST, SECOND, ELEVENTH])
    return None if status is None else (status.state, status.attempts)


def test_the_status_is_that_of_the_delivery_of_the_current_round() -> None:
    assert states(1) == (DeliveryState.ABANDONED, 10)
    assert states(2) == (DeliveryState.PENDING, 2)
    assert states(11) == (DeliveryState.DELIVERED, 1)


def test_a_round_without_a_delivery_waits_for_its_end() -> None:
    assert states(3) == (DeliveryState.PENDING, 0)


def test_a_request_without_webhook_has_none() -> None:
    assert webhook_status(a_request(), []) is None


def test_the_log_has_attempts_and_replays_in_the_order_of_their_times() -> None:
    times = [NOW + timedelta(seconds=number) for number in range(3)]
    delivery = a_delivery(
        log=(an_attempt(at=times[0]), an_attempt(at=times[2])), replay_log=(an_attempt(at=times[1], replay=True),)
    )
    shown = delivery_details(delivery).log
    assert [(attempt.at, attempt.replay) for attempt in shown] == list(zip(times, (False, True, False), strict=True))
