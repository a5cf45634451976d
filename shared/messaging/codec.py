"""Messages and events as AMQP messages, and back. The AMQP property `type` names the class; the body is JSON."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from aio_pika import DeliveryMode
from aio_pika import Message as AmqpMessage
from cloudevents.core.v1.event import CloudEvent
from pydantic import ValidationError

from shared.contracts.events import PublicEvent
from shared.contracts.messages import Message
from shared.contracts.times import rfc3339
from shared.messaging.tolerant_decoding import UNDECODABLE_HEADER


class Undecodable(Exception):
    """The delivery is not a message of this service, or this version cannot read it."""


class Received(Protocol):
    """The parts of a delivery that are decoded."""

    @property
    def body(self) -> bytes: ...
    @property
    def type(self) -> str | None: ...
    @property
    def headers(self) -> Mapping[str, Any]: ...


def encode(message: Message) -> AmqpMessage:
    return AmqpMessage(
        message.model_dump_json().encode(),
        content_type="application/json",
        delivery_mode=DeliveryMode.PERSISTENT,
        type=type(message).__name__,
    )


def decode(delivery: Received, known: Iterable[type[Message]]) -> Message:
    """The message in `delivery`. Raises Undecodable with the reason if it is not a valid message of a `known` type."""
    if UNDECODABLE_HEADER in delivery.headers:
        raise Undecodable(str(delivery.headers[UNDECODABLE_HEADER]))
    type_ = next((type_ for type_ in known if type_.__name__ == delivery.type), None)
    if type_ is None:
        raise Undecodable(f"unknown message type {delivery.type!r}")
    try:
        return type_.model_validate_json(delivery.body)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)[:3]  # without input: URLs may carry tokens
        raise Undecodable(f"not a valid {type_.__name__}: {details}") from error


def encode_event(event: PublicEvent) -> AmqpMessage:
    """The event as CloudEvents 1.0 structured JSON; `message_id` is the event's id, so subscribers can deduplicate."""
    envelope = CloudEvent(  # checks the attributes; its own JSON would write the time with microseconds
        {
            "id": event.event_id,
            "source": "/imagemill",
            "type": event.type,
            "subject": event.subject,
            "time": event.time,
            "specversion": "1.0",
            "datacontenttype": "application/json",
        },
        event.data,
    )
    return AmqpMessage(
        json.dumps(envelope.get_attributes() | {"time": rfc3339(event.time), "data": event.data}).encode(),
        content_type="application/cloudevents+json",
        delivery_mode=DeliveryMode.PERSISTENT,
        message_id=event.event_id,
        type=event.type,
    )
