"""Messages are decoded as they were encoded, invalid ones are refused with a reason, and events are CloudEvents."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aio_pika import DeliveryMode
from aio_pika import Message as AmqpMessage
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from hypothesis import given
from hypothesis import strategies as st
from pydantic import AwareDatetime

from shared.contracts.events import image_event, request_accepted_event
from shared.contracts.messages import (
    MESSAGES,
    CompressOptions,
    DownloadImage,
    DropRounds,
    FinishRequest,
    ImageResult,
    ImagesProbed,
    Message,
    Report,
    WebhookTested,
)
from shared.contracts.states import ImageState
from shared.messaging import Queue
from shared.messaging.codec import Undecodable, decode, encode, encode_event
from shared.messaging.topology import queue_of
from tests.support.builders import NOW, a_request, a_result, an_image
from tests.support.worker_messages import compress, download

TIMES = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 (see timezones)
st.register_type_strategy(AwareDatetime, TIMES)

# Hypothesis would apply the numeric constraints of these annotations to None as well.
_SIDES = st.none() | st.integers(1, 65535)
st.register_type_strategy(
    CompressOptions, st.builds(CompressOptions, percent=..., mode=..., format=..., max_width=_SIDES, max_height=_SIDES)
)
_LIKENESS = st.none() | st.floats(-1, 1)
st.register_type_strategy(
    ImageResult, st.builds(ImageResult, **dict.fromkeys(ImageResult.model_fields, ...) | {"ssim": _LIKENESS})
)


_SECONDS = {name: st.none() | st.floats(0, 1e6) for name in ("delay", "host_pause")}


def _any_of(type_: type[Message]) -> st.SearchStrategy[Message]:
    seconds = {name: strategy for name, strategy in _SECONDS.items() if name in type_.model_fields}
    return st.builds(type_, **dict.fromkeys(type_.model_fields, ...) | seconds)


ANY_MESSAGE = st.sampled_from(MESSAGES).flatmap(_any_of)


@given(message=ANY_MESSAGE)
def test_a_decoded_message_equals_the_encoded_one(message: Message) -> None:
    on_the_wire = encode(message)
    assert decode(on_the_wire, [type(message)]) == message
    assert decode(on_the_wire, MESSAGES) == message


@given(message=ANY_MESSAGE)
def test_a_message_is_persistent_json_named_by_its_type(message: Message) -> None:
    on_the_wire = encode(message)
    assert on_the_wire.type == type(message).__name__
    assert on_the_wire.content_type == "application/json"
    assert on_the_wire.delivery_mode is DeliveryMode.PERSISTENT
    assert set(json.loads(on_the_wire.body)) == set(type(message).model_fields)


@given(message=ANY_MESSAGE)
def test_every_message_except_a_reply_broadcast_or_report_has_a_queue(message: Message) -> None:
    if isinstance(message, ImagesProbed | WebhookTested | DropRounds | Report):
        with pytest.raises(KeyError):
            queue_of(message)
    else:
        assert queue_of(message) in set(Queue) - {Queue.DEAD, Queue.LOST}


def test_commands_of_images_that_lost_a_worker_have_queues_of_their_own() -> None:
    for command, usual, alone in (
        (download(an_image()), Queue.DOWNLOAD, Queue.DOWNLOAD_ALONE),
        (compress(an_image()), Queue.COMPRESS, Queue.COMPRESS_ALONE),
    ):
        assert queue_of(command) is usual
        assert queue_of(command.model_copy(update={"losses": 1})) is alone


@given(message=ANY_MESSAGE, extra=st.dictionaries(st.text(), st.integers()))
def test_unknown_fields_are_ignored(message: Message, extra: dict[str, int]) -> None:
    body = json.loads(encode(message).body)
    newer = AmqpMessage(json.dumps(extra | body).encode(), type=type(message).__name__)
    assert decode(newer, MESSAGES) == message


@given(message=ANY_MESSAGE, data=st.data())
def test_a_missing_required_field_is_refused(message: Message, data: st.DataObject) -> None:
    body = json.loads(encode(message).body)
    required = [name for name, field in type(message).model_fields.items() if field.is_required()]
    del body[data.draw(st.sampled_from(required))]
    with pytest.raises(Undecodable, match=f"not a valid {type(message).__name__}"):
        decode(AmqpMessage(json.dumps(body).encode(), type=type(message).__name__), MESSAGES)


@given(
    body=st.binary(max_size=200),
    type_=st.none() | st.text(max_size=20) | st.sampled_from([type_.__name__ for type_ in MESSAGES]),
)
def test_arbitrary_bytes_raise_undecodable_and_nothing_else(body: bytes, type_: str | None) -> None:
    with pytest.raises(Undecodable):
        decode(AmqpMessage(body, type=type_), MESSAGES)


@pytest.mark.parametrize(
    "changes", [{"round": 0}, {"dispatch": 0}, {"attempt": 0}, {"options": {"percent": 100}}], ids=str
)
def test_numbers_out_of_range_are_refused(changes: dict[str, Any]) -> None:
    body = download(an_image()).model_dump(mode="json") | changes
    with pytest.raises(Undecodable):
        decode(AmqpMessage(json.dumps(body).encode(), type="DownloadImage"), [DownloadImage])


def test_a_type_that_the_queue_does_not_take_is_refused() -> None:
    with pytest.raises(Undecodable, match="unknown message type 'DownloadImage'"):
        decode(encode(download(an_image())), [FinishRequest])


def test_the_reason_contains_no_value_of_the_message() -> None:
    body = {"url": "https://images.test/?token=s3cret", "round": "s3cret"}
    with pytest.raises(Undecodable) as raised:
        decode(AmqpMessage(json.dumps(body).encode(), type="DownloadImage"), [DownloadImage])
    assert "s3cret" not in str(raised.value)
    assert "round" in str(raised.value)


IMAGE = an_image("http://images.test/ü.jpg", state=ImageState.COMPRESSED, result=a_result(), ended_at=NOW)


@pytest.mark.parametrize("event", [image_event(IMAGE, "http://imagemill.test"), request_accepted_event(a_request())])
def test_the_cloudevents_library_reads_an_event(event: Any) -> None:
    on_the_wire = encode_event(event)
    read = JSONFormat().read(CloudEvent, on_the_wire.body)
    assert read.get_attributes() == {
        "specversion": "1.0",
        "id": event.event_id,
        "source": "/imagemill",
        "type": event.type,
        "subject": event.subject,
        "time": event.time,
        "datacontenttype": "application/json",
    }
    assert read.get_data() == event.data
    assert on_the_wire.content_type == "application/cloudevents+json"
    assert on_the_wire.delivery_mode is DeliveryMode.PERSISTENT
    assert on_the_wire.message_id == event.event_id


def test_the_same_event_is_encoded_identically_each_time() -> None:
    once, again = (encode_event(image_event(IMAGE, "http://imagemill.test")) for _ in range(2))
    assert (once.body, once.message_id) == (again.body, again.message_id)
    assert (NOW + timedelta(0)).isoformat()[:19] in once.body.decode()
