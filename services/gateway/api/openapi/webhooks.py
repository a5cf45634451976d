"""The webhooks of the OpenAPI document: what Imagemill posts to an upload's `webhook_url`."""

from typing import Any

from pydantic import BaseModel, Field

from services.gateway.api.openapi import examples
from services.gateway.api.openapi.operations import reference
from services.gateway.web import Timestamp
from shared.contracts.events import EVENT_GUIDES, WEBHOOK_TEST, EventType, RequestFinishedData, WebhookTestData
from shared.contracts.states import RequestStatus

TAG = "webhooks"


class WebhookMessage(BaseModel):
    """The body of a webhook. Standard Webhooks describes the envelope and the signature."""

    type: str = Field(description="The type of the event.", examples=[EventType.REQUEST_COMPLETED])
    timestamp: Timestamp = Field(description="When the round finished.")
    data: RequestFinishedData


class WebhookTestMessage(BaseModel):
    """The body of a test of a webhook."""

    type: str = Field(description="The type of the event.", examples=[WEBHOOK_TEST])
    timestamp: Timestamp = Field(description="When the test was sent.")
    data: WebhookTestData


_HEADERS = {
    "webhook-id": "The event's id; the same in every attempt.",
    "webhook-timestamp": "When this attempt was sent, in seconds since 1970.",
    "webhook-signature": "Signatures by Standard Webhooks, separated by spaces.",
}


def webhooks() -> dict[str, Any]:
    """The section `webhooks`: one path item per event that is delivered."""
    return {
        EventType.REQUEST_COMPLETED: _webhook(
            EventType.REQUEST_COMPLETED, RequestStatus.COMPLETED, "receiveRequestCompleted", "A request has completed"
        ),
        EventType.REQUEST_FAILED: _webhook(
            EventType.REQUEST_FAILED, RequestStatus.FAILED, "receiveRequestFailed", "A request has failed"
        ),
        EventType.REQUEST_CANCELLED: _webhook(
            EventType.REQUEST_CANCELLED,
            RequestStatus.CANCELLED,
            "receiveRequestCancelled",
            "A request has been cancelled",
        ),
        WEBHOOK_TEST: _test(),
    }


def _test() -> dict[str, Any]:
    message = {"schema": reference(WebhookTestMessage), "example": examples.WEBHOOK_TEST}
    return _received("receiveWebhookTest", "A test of the webhook", "A client called `POST /webhooks/test`.", message)


def _webhook(type_: EventType, status: RequestStatus, operation_id: str, summary: str) -> dict[str, Any]:
    message = {"schema": reference(WebhookMessage), "example": examples.finished_event(status)}
    return _received(operation_id, summary, EVENT_GUIDES[type_].when, message)


def _received(operation_id: str, summary: str, description: str, message: dict[str, Any]) -> dict[str, Any]:
    operation = {
        "tags": [TAG],
        "operationId": operation_id,
        "summary": summary,
        "description": description,
        "parameters": [
            {"name": name, "in": "header", "required": True, "schema": {"type": "string"}, "description": description}
            for name, description in _HEADERS.items()
        ],
        "requestBody": {"required": True, "content": {"application/json": message}},
        "responses": {
            "2XX": {"description": "The receiver has taken the event"},
            "410": {"description": "The receiver wants no further webhooks of this request"},
            "default": {"description": "Imagemill tries again later"},
        },
    }
    return {"post": operation}
