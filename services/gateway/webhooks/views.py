"""Deliveries as the API returns them."""

from collections.abc import Sequence

from services.gateway.web import DeliveryAttemptDetails, DeliveryDetails, WebhookStatus
from shared.contracts.deliveries import GONE_DETAIL, Delivery, DeliveryState
from shared.contracts.records import Request
from shared.observability import redact_url


def webhook_status(request: Request, deliveries: Sequence[Delivery]) -> WebhookStatus | None:
    """The state of the request's webhook in its current round; None if the upload named no webhook_url.

    deliveries: of the request, the oldest first.
    """
    if request.webhook_url is None:
        return None
    prefix = f"{request.request_id}:{request.round}:"
    current = next((each for each in reversed(deliveries) if each.delivery_id.startswith(prefix)), None)
    if current is not None:
        return WebhookStatus(
            state=current.state,
            attempts=current.attempts,
            last_error=current.last_error,
            next_attempt_at=current.due_at,
        )
    if any(each.disables_request for each in deliveries):
        state, last_error = DeliveryState.DISABLED, GONE_DETAIL
    else:
        state, last_error = DeliveryState.PENDING, None
    return WebhookStatus(state=state, attempts=0, last_error=last_error, next_attempt_at=None)


def delivery_details(delivery: Delivery) -> DeliveryDetails:
    return DeliveryDetails(
        delivery_id=delivery.delivery_id,
        event_type=delivery.event_type,
        url=redact_url(delivery.url),
        state=delivery.state,
        attempts=delivery.attempts,
        replays=delivery.replays,
        last_error=delivery.last_error,
        created_at=delivery.created_at,
        next_attempt_at=delivery.due_at,
        replaying=delivery.replay_at is not None,
        log=[
            DeliveryAttemptDetails(
                at=attempt.at,
                duration_ms=attempt.duration_ms,
                status=attempt.status,
                error=attempt.error,
                response=attempt.response,
                replay=attempt.replay,
            )
            for attempt in sorted((*delivery.log, *delivery.replay_log), key=lambda each: each.at)
        ],
    )
