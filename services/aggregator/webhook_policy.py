"""The webhook of a finished request: its body, its signatures, and when it is tried again. Pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from standardwebhooks import Webhook

from shared.contracts.deliveries import GONE_DETAIL, Delivery, DeliveryState
from shared.contracts.events import WEBHOOK_TEST, PublicEvent, WebhookTestData
from shared.contracts.times import rfc3339
from shared.retry_after import retry_after_seconds
from shared.url_policy import InvalidUrl, host_name

_GONE = 410
_THROTTLING = (429, 502, 503, 504)


def new_delivery(event: PublicEvent, request_id: str, url: str, *, disabled: bool = False) -> Delivery:
    """The delivery of `event` to `url`, due at once. All attempts send the body that is written here.

    disabled: whether the receiver wants no webhooks of this request; only a replay is sent then.
    """
    return Delivery(
        delivery_id=event.event_id,
        request_id=request_id,
        event_type=event.type,
        url=url,
        receiver=receiver_of(url),
        body=webhook_body(event.type, event.time, event.data),
        created_at=event.time,
        due_at=None if disabled else event.time,
        state=DeliveryState.DISABLED if disabled else DeliveryState.PENDING,
        last_error=GONE_DETAIL if disabled else None,
    )


def body_of_test(now: datetime) -> str:
    """The body of a test of a webhook."""
    return webhook_body(WEBHOOK_TEST, now, WebhookTestData().model_dump(mode="json"))


def webhook_body(type_: str, time: datetime, data: Mapping[str, Any]) -> str:
    """JSON without spaces, in ASCII."""
    return json.dumps({"type": type_, "timestamp": rfc3339(time), "data": data}, separators=(",", ":"))


def receiver_of(url: str) -> str:
    """The host of `url`; "" if it has none, so that no attempt can succeed."""
    try:
        return host_name(url)
    except InvalidUrl:
        return ""


def signed_headers(webhook_id: str, body: str, signers: Sequence[Webhook], now: datetime) -> dict[str, str]:
    """The headers of an attempt made `now`, by the Standard Webhooks specification: one signature for each secret."""
    now = now.astimezone(UTC)  # the library ignores the time zone
    signatures = (signer.sign(webhook_id, now, body) for signer in signers)
    return {
        "content-type": "application/json",
        "webhook-id": webhook_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


@dataclass(frozen=True, slots=True)
class WebhookResponse:
    """How the receiver responded to an attempt.

    status: None if there was no response. error: None if the receiver accepted the webhook.
    retry_after: the header of that name. excerpt: the start of the body, without what looks like a credential.
    """

    status: int | None
    error: str | None
    retry_after: str | None = None
    excerpt: str = ""

    @classmethod
    def of(cls, status: int, headers: Mapping[str, str]) -> "WebhookResponse":
        """Only 2xx accepts the webhook. A redirect does not, and is not followed."""
        error = None if 200 <= status < 300 else f"the receiver answered {status}"
        return cls(status, error, headers.get("retry-after"))

    @property
    def is_gone(self) -> bool:
        """Whether the receiver wants no further webhooks."""
        return self.status == _GONE


@dataclass(frozen=True, slots=True)
class NextStep:
    """What follows an attempt: the delivery's state, and when the next attempt is due; None if there is none."""

    state: DeliveryState
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class WebhookRetryPolicy:
    """When a webhook is tried again.

    schedule: seconds to wait after each failed attempt. jitter: the largest share of a wait that is added to it.
    retry_after_max: maximum wait, in seconds, that a receiver's Retry-After can impose; a longer one is cut to it.
    """

    schedule: Sequence[float]
    jitter: float
    retry_after_max: float

    def next_step(self, response: WebhookResponse, attempts: int, now: datetime, chance: float) -> NextStep:
        """What follows `attempts` attempts, the last with `response`.

        chance: from 0 to 1, for the jitter, so that many deliveries do not retry at the same time.
        """
        if response.error is None:
            return NextStep(DeliveryState.DELIVERED)
        if response.is_gone:
            return NextStep(DeliveryState.DISABLED)
        if attempts > len(self.schedule):
            return NextStep(DeliveryState.ABANDONED)
        wait = self.schedule[attempts - 1] * (1 + self.jitter * chance)
        wait = max(wait, self._imposed(response, now))
        return NextStep(DeliveryState.PENDING, now + timedelta(seconds=wait))

    def throttled_until(self, response: WebhookResponse, now: datetime) -> datetime | None:
        """Until when the other deliveries to the same URL wait; None unless the receiver is overloaded."""
        if response.status not in _THROTTLING:
            return None
        return now + timedelta(seconds=max(self._imposed(response, now), *self.schedule[:1], 0))

    def _imposed(self, response: WebhookResponse, now: datetime) -> float:
        if response.status not in _THROTTLING:
            return 0
        return min(retry_after_seconds(response.retry_after, now), self.retry_after_max)
