"""What the database records of a webhook: one delivery per announcement, and a log of its attempts."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class DeliveryState(StrEnum):
    """The values that the API uses."""

    PENDING = "pending"  # an attempt is due, now or later
    DELIVERED = "delivered"
    ABANDONED = "abandoned"  # every attempt of the schedule failed
    DISABLED = "disabled"  # the receiver answered 410 Gone to a delivery of this request


MAX_LOGGED_REPLAYS = 20
"""A delivery keeps its last replays. It keeps all attempts of the schedule, whose length limits them."""

GONE_DETAIL = "the receiver answered 410 to a webhook of this request"
"""The last error of a delivery that is disabled because of another call."""


@dataclass(frozen=True, slots=True)
class DeliveryAttempt:
    """One call of the receiver.

    at: when it began. status: of the response, None without one. error: None if the receiver accepted the webhook.
    response: the start of the response's body, without what looks like a credential.
    replay: whether a client asked for it.
    """

    at: datetime
    duration_ms: int
    status: int | None
    error: str | None
    response: str
    replay: bool = False


@dataclass(frozen=True, slots=True)
class Delivery:
    """One webhook to deliver. `delivery_id` is the event's id and the `webhook-id` of every attempt.

    receiver: the host of `url`, see url_policy.host_name.
    body: the exact text that is signed and sent each time.
    attempts: of the schedule, without replays. due_at: of the next one; None after the last.
    replay_at: when the replay that a client asked for is due; None if none is. replays: how many were made.
    log: the attempts of the schedule. replay_log: the last replays.
    gone: whether the receiver answered 410 Gone, and accepted no replay of the request since.
    """

    delivery_id: str
    request_id: str
    event_type: str
    url: str
    receiver: str
    body: str
    created_at: datetime
    due_at: datetime | None
    attempts: int = 0
    state: DeliveryState = DeliveryState.PENDING
    last_error: str | None = None
    replay_at: datetime | None = None
    replays: int = 0
    log: tuple[DeliveryAttempt, ...] = ()
    replay_log: tuple[DeliveryAttempt, ...] = ()
    gone: bool = False

    @property
    def disables_request(self) -> bool:
        """Whether no webhook is sent for later rounds of the request."""
        return self.gone or self.state is DeliveryState.DISABLED
