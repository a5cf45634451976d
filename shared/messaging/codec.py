"""Messages and events as bytes, and back. The AMQP property `type` names the class; the body is JSON."""

import json
from collections.abc import Iterable, Mapping

from aio_pika import DeliveryMode
from aio_pika import Message as AmqpMessage
from aio_pika.abc import AbstractMessage
from cloudevents.core.v1.event import CloudEvent
from pydantic import ValidationError

from shared.contracts import messages
from shared.contracts.events import PublicEvent
from shared.contracts.messages import Message
from shared.contracts.times import rfc3339
from shared.messaging.topology import Queue

QUEUE_OF: Mapping[type[Message], Queue] = {
    messages.DownloadImage: Queue.DOWNLOAD,
    messages.CompressImage: Queue.COMPRESS,
    messages.ImageCompressed: Queue.RESULTS,
    messages.ImageFailed: Queue.RESULTS,
    messages.ImageDeferred: Queue.RESULTS,
    messages.FinishRequest: Queue.FINISH,
    messages.DeliverWebhook: Queue.WEBHOOKS,
    messages.ProbeImages: Queue.PROBE,
}
_REPLIES: tuple[type[Message], ...] = (messages.ImagesProbed,)
_TYPES: Mapping[str, type[Message]] = {type_.__name__: type_ for type_ in (*QUEUE_OF, *_REPLIES)}


class Undecodable(Exception):
    """The message is not one of ours, or not one that this version understands."""


def queue_of(message: Message) -> Queue:
    """The queue that takes this kind of message; a reply has none, it goes where its command says."""
    return QUEUE_OF[type(message)]


def encode(message: Message) -> AmqpMessage:
    return AmqpMessage(
        message.model_dump_json().encode(),
        content_type="application/json",
        delivery_mode=DeliveryMode.PERSISTENT,
        type=type(message).__name__,
    )


def decode(delivery: AbstractMessage, known: Iterable[type[Message]]) -> Message:
    """The message in `delivery`. Raises Undecodable, saying why, if it is none of the `known` kinds."""
    type_ = _TYPES.get(delivery.type or "")
    if type_ is None or type_ not in known:
        raise Undecodable(f"unknown message type {delivery.type!r}")
    try:
        return type_.model_validate_json(delivery.body)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False)[:3]  # URLs may carry tokens
        raise Undecodable(f"not a valid {type_.__name__}: {faults}") from error


def encode_event(event: PublicEvent) -> AmqpMessage:
    """The event as CloudEvents 1.0 structured JSON; `message_id` is the event's id, for dropping duplicates."""
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
