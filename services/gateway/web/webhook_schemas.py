"""The JSON documents about webhooks, as the OpenAPI document describes them."""

from pydantic import Field

from services.gateway.web.schemas import LAST_ERROR, NEXT_ATTEMPT_AT, REQUEST_ID, ApiModel, Timestamp
from shared.contracts.deliveries import MAX_LOGGED_REPLAYS, DeliveryState

DELIVERY_ID = f"{REQUEST_ID}:1:request.completed"


class DeliveryAttemptDetails(ApiModel):
    """One call of the receiver."""

    at: Timestamp = Field(description="When it began.")
    duration_ms: int = Field(description="How long it took, in milliseconds.", examples=[84])
    status: int | None = Field(description="Status of the response; null if there was none.", examples=[503])
    error: str | None = Field(
        description="Why it failed; null if the receiver accepted the webhook.", examples=["the receiver answered 503"]
    )
    response: str = Field(
        description="The start of the response's body, at most 1 kB, without what looks like a credential.",
        examples=["upgrading"],
    )
    replay: bool = Field(description="Whether a replay made it, and not the schedule.", examples=[False])


class DeliveryDetails(ApiModel):
    """The delivery of one event to the webhook."""

    delivery_id: str = Field(description="The `webhook-id` of every attempt: the event's id.", examples=[DELIVERY_ID])
    event_type: str = Field(description="The type of the event.", examples=["request.completed"])
    url: str = Field(
        description="The webhook's URL; the values of its query are not shown.",
        examples=["https://shop.example/hooks?token=***"],
    )
    state: DeliveryState = Field(
        description="pending: an attempt is due, now or later. delivered: the receiver accepted it. abandoned: every"
        " attempt failed, or it was disabled before. disabled: the receiver answered 410 Gone to a webhook of the"
        " request; only replays are sent."
    )
    attempts: int = Field(description="Attempts of the schedule, without replays.", examples=[2])
    replays: int = Field(description="Replays that were made.", examples=[0])
    last_error: str | None = Field(description=LAST_ERROR)
    created_at: Timestamp = Field(description="When the event happened.")
    next_attempt_at: Timestamp | None = Field(description=NEXT_ATTEMPT_AT)
    replaying: bool = Field(description="Whether a replay is due or in progress.", examples=[False])
    log: list[DeliveryAttemptDetails] = Field(
        description=f"All attempts of the schedule and the last {MAX_LOGGED_REPLAYS} replays, the oldest first."
    )


class WebhookTestResult(ApiModel):
    """How the receiver responded to the test."""

    webhook_id: str = Field(description="The `webhook-id` of the call.", examples=["test_5f2b8c1e9a7d4f0ab3c6d8e1"])
    delivered: bool = Field(description="Whether the receiver accepted it, with a status of 2xx.")
    status: int | None = Field(description="Status of the response; null if there was none.", examples=[204])
    error: str | None = Field(description="Why it failed; null if the receiver accepted it.")
    duration_ms: int = Field(description="How long the call took, in milliseconds.", examples=[84])
    response: str = Field(
        description="The start of the response's body, at most 1 kB, without what looks like a credential."
    )


class DeliveryList(ApiModel):
    """The deliveries of a request: one for each round that ended, the oldest first."""

    request_id: str = Field(examples=[REQUEST_ID])
    deliveries: list[DeliveryDetails]
