"""The webhook of a finished request: its body, its signatures, and when it is tried again. Pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from standardwebhooks import Webhook

from shared.contracts.events import PublicEvent
from shared.contracts.records import Delivery
from shared.contracts.times import rfc3339
from shared.retry_after import retry_after_seconds

_GONE = 410
_THROTTLING = (429, 502, 503, 504)
JITTER = 0.1


def new_delivery(event: PublicEvent, request_id: str, url: str) -> Delivery:
    """The delivery of `event` to `url`, due at once. All attempts send the body that is written here."""
    body = {"type": event.type, "timestamp": rfc3339(event.time), "data": event.data}
    return Delivery(
        delivery_id=event.event_id,
        request_id=request_id,
        url=url,
        body=json.dumps(body, separators=(",", ":")),
        attempts=0,
        due_at=event.time,
    )


def signed_headers(delivery: Delivery, signers: Sequence[Webhook], now: datetime) -> dict[str, str]:
    """The headers of an attempt made `now`, by the Standard Webhooks specification: one signature for each secret."""
    now = now.astimezone(UTC)  # the library ignores the time zone
    signatures = (signer.sign(delivery.delivery_id, now, delivery.body) for signer in signers)
    return {
        "content-type": "application/json",
        "webhook-id": delivery.delivery_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


@dataclass(frozen=True, slots=True)
class WebhookResponse:
    """How the receiver responded to an attempt.

    status: None if there was no response. error: None if the receiver accepted the webhook.
    retry_after: the header of that name.
    """

    status: int | None
    error: str | None
    retry_after: str | None = None

    @classmethod
    def of(cls, status: int, headers: Mapping[str, str]) -> "WebhookResponse":
        """Only 2xx accepts the webhook. A redirect does not, and is not followed."""
        error = None if 200 <= status < 300 else f"the receiver answered {status}"
        return cls(status, error, headers.get("retry-after"))


@dataclass(frozen=True, slots=True)
class WebhookRetryPolicy:
    """When a webhook is tried again.

    schedule: seconds to wait after each failed attempt. retry_after_max: maximum wait, in seconds, that a
    receiver's Retry-After can impose; a longer one is cut to it.
    """

    schedule: Sequence[float]
    retry_after_max: float

    def next_due(self, response: WebhookResponse, attempts: int, now: datetime, chance: float) -> datetime | None:
        """When to try again after `attempts` attempts, the last with `response`; None to end the delivery.

        chance: from 0 to 1; adds up to a tenth to the wait, so that many deliveries do not retry at the same time.
        """
        if response.error is None or response.status == _GONE or attempts > len(self.schedule):
            return None
        wait = self.schedule[attempts - 1] * (1 + JITTER * chance)
        if response.status in _THROTTLING:
            wait = max(wait, min(retry_after_seconds(response.retry_after, now), self.retry_after_max))
        return now + timedelta(seconds=wait)
