"""The webhook of a finished request: its frozen body, its signatures, and when it is tried again. Pure."""

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
_THROTTLED = (429, 502, 503, 504)
_JITTER = 0.1


def new_delivery(event: PublicEvent, request_id: str, url: str) -> Delivery:
    """The delivery of `event` to `url`, due at once. Its body never changes, so that all attempts say the same."""
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
    now = now.astimezone(UTC)  # the library takes the clock's digits for UTC, whatever the zone says
    signatures = (signer.sign(delivery.delivery_id, now, delivery.body) for signer in signers)
    return {
        "content-type": "application/json",
        "webhook-id": delivery.delivery_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of an attempt. `status` is None if there was no answer; `error` None if the webhook was taken."""

    status: int | None
    error: str | None
    retry_after: str | None = None

    @classmethod
    def of(cls, status: int, headers: Mapping[str, str]) -> "Answer":
        """Only 2xx takes the webhook; a redirect does not, and is not followed."""
        error = None if 200 <= status < 300 else f"the receiver answered {status}"
        return cls(status, error, headers.get("retry-after"))


@dataclass(frozen=True, slots=True)
class RetryPlan:
    """schedule: seconds to wait after each attempt in vain. longest_wait: what a receiver's Retry-After may ask for."""

    schedule: Sequence[float]
    longest_wait: float

    def next_due(self, answer: Answer, attempts: int, now: datetime, chance: float) -> datetime | None:
        """When to try again after `attempts` attempts, the last with `answer`; None to leave it.

        chance: from 0 to 1, spreads the attempts of many deliveries by up to a tenth.
        """
        if answer.error is None or answer.status == _GONE or attempts > len(self.schedule):
            return None
        wait = self.schedule[attempts - 1] * (1 + _JITTER * chance)
        if answer.status in _THROTTLED:
            wait = max(wait, min(retry_after_seconds(answer.retry_after, now), self.longest_wait))
        return now + timedelta(seconds=wait)
