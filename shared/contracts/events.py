"""The public events on `imagemill.events`, built from the records in the database.

An event's id, time and data depend on the record alone: a duplicate has the same id and the same data, so a subscriber
may drop it. The envelope is CloudEvents 1.0 in structured JSON; `type` is the routing key. docs/events.md is generated
from these models and their descriptions.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, Field

from shared.contracts.error_codes import ErrorCode
from shared.contracts.messages import CompressOptions, ResultFigures
from shared.contracts.object_keys import public_url
from shared.contracts.records import Image, Request, saved_percent
from shared.contracts.states import EVENT_STATES, ImageState, RequestError, RequestStatus
from shared.contracts.times import rfc3339


class EventType(StrEnum):
    """The types of public events, which are also their routing keys."""

    REQUEST_ACCEPTED = "request.accepted"
    IMAGE_COMPRESSED = "image.compressed"
    IMAGE_FAILED = "image.failed"
    REQUEST_COMPLETED = "request.completed"
    REQUEST_FAILED = "request.failed"
    REQUEST_CANCELLED = "request.cancelled"


class _ImageData(BaseModel):
    request_id: str = Field(description="The request's id.")
    image_id: str = Field(description="Unique within the request.")
    round: int = Field(description="The round in which the image was last tried: 1, and one more for each retry.")
    input_url: str = Field(description="The image's URL, as in the catalogue.")
    attempts: int = Field(description="Number of attempts in that round.")


class ImageCompressedData(ResultFigures, _ImageData):
    """The data of `image.compressed`."""

    output_url: str = Field(description="URL of the result.")
    saved_percent: float = Field(
        description="Share of the original's bytes that was saved, in per cent, to one decimal place."
    )


class ImageFailedData(_ImageData):
    """The data of `image.failed`."""

    error_code: ErrorCode = Field(description="Why the image failed: [all codes](errors.md).")
    error_detail: str = Field(description="The same in more detail, for people.")


class RequestAcceptedData(BaseModel):
    """The data of `request.accepted`."""

    request_id: str = Field(description="The request's id.")
    round: int = Field(description="Always 1: a retry is not a new request.")
    filename: str | None = Field(description="Name of the uploaded file; null if the client sent none.")
    options: CompressOptions = Field(
        description="Every [option](api.md#options) that applies to the images, also those that the client did not set."
    )


class ImageCounts(BaseModel):
    """The images (distinct URLs) of a finished request, by their state after the round."""

    total: int = Field(description="Number of images (distinct URLs) of the request.")
    compressed: int = Field(description="Images that were compressed, in this round or an earlier one.")
    failed: int = Field(description="Images that failed.")
    cancelled: int = Field(description="Images that were not processed because the request was cancelled.")
    reused: int = Field(description="Compressed images whose result was copied instead of made.")


class RequestFinishedData(BaseModel):
    """The data of `request.completed`, `request.failed` and `request.cancelled`, and of the webhook."""

    request_id: str = Field(description="The request's id.")
    round: int = Field(description="The round that ended: 1, and one more for each retry.")
    status: Literal[RequestStatus.COMPLETED, RequestStatus.FAILED, RequestStatus.CANCELLED] = Field(
        description="`Cancelled` if at least one image was cancelled; otherwise `Completed` if at least one image was"
        " compressed and every row was read, else `Failed`."
    )
    error_code: RequestError | None = Field(
        default=None,
        description="Why rows of the upload are in no output: `upload_lost` or `u"
        "pload_unreadable`; null if all were read.",
    )
    images: ImageCounts
    output_csv_url: str = Field(description="URL of the output CSV.")
    report_url: str = Field(description="URL of the report as CSV.")
    report_json_url: str | None = Field(description="URL of the report as JSON.")
    failed_csv_url: str | None = Field(
        description="URL of the rows that have a failed or cancelled image; null if there are none."
    )
    created_at: str = Field(description="When the request was accepted, in RFC 3339.")
    finished_at: str = Field(description="When this round finished, in RFC 3339.")
    expires_at: str | None = Field(
        description="When the request is removed with all its files unless it is retried, in RFC 3339; null if it is"
        " kept."
    )


WEBHOOK_TEST = "webhook.test"
"""The type of the event that a test of a webhook sends. It is sent to no subscriber."""


class WebhookTestData(BaseModel):
    """The data of `webhook.test`."""

    message: str = Field(
        default="This is a test of your webhook. It belongs to no request.", description="A text for people."
    )


@dataclass(frozen=True, slots=True)
class EventGuide:
    """What a type of event means. `when`: what it announces. `subject`: the envelope's. `data`: its fields."""

    when: str
    subject: str
    data: type[BaseModel]


EVENT_GUIDES: Mapping[EventType, EventGuide] = {
    EventType.REQUEST_ACCEPTED: EventGuide(
        "The upload is stored and its request is recorded.", "request id", RequestAcceptedData
    ),
    EventType.IMAGE_COMPRESSED: EventGuide(
        "The result of an image is stored and recorded.", "request id `/` image id", ImageCompressedData
    ),
    EventType.IMAGE_FAILED: EventGuide("An image failed for good.", "request id `/` image id", ImageFailedData),
    EventType.REQUEST_COMPLETED: EventGuide(
        "Every image is compressed or failed, at least one is compressed, and the output files can be fetched.",
        "request id",
        RequestFinishedData,
    ),
    EventType.REQUEST_FAILED: EventGuide(
        "No image is compressed: all failed, or there was none; or rows of the upload could not be read (`error_code`)."
        " The output files can be fetched.",
        "request id",
        RequestFinishedData,
    ),
    EventType.REQUEST_CANCELLED: EventGuide(
        "The request was cancelled before all its images were processed, and its processing has ended. The output"
        " files can be fetched; they contain the images that were compressed before.",
        "request id",
        RequestFinishedData,
    ),
}
"""One for every type."""

_TYPE_OF_END: Mapping[RequestStatus, EventType] = {
    RequestStatus.COMPLETED: EventType.REQUEST_COMPLETED,
    RequestStatus.FAILED: EventType.REQUEST_FAILED,
    RequestStatus.CANCELLED: EventType.REQUEST_CANCELLED,
}


@dataclass(frozen=True, slots=True)
class PublicEvent:
    """One CloudEvent. `data` is JSON; `time` is when the record was written, not when this copy was sent."""

    event_id: str
    type: str
    subject: str
    time: datetime
    data: dict[str, Any]


def image_event(image: Image, public_base_url: str) -> PublicEvent:
    """`image.compressed` or `image.failed`. Raises ValueError for an image that is neither."""
    if image.ended_at is None or image.state not in EVENT_STATES:
        raise ValueError(f"image {image.image_id} of {image.request_id} is {image.state}: there is no event for it")
    type_ = EventType.IMAGE_COMPRESSED if image.state is ImageState.COMPRESSED else EventType.IMAGE_FAILED
    return PublicEvent(
        event_id=f"{image.request_id}:{image.round}:{image.image_id}:{type_}",
        type=type_,
        subject=f"{image.request_id}/{image.image_id}",
        time=image.ended_at,
        data=_image_data(image, public_base_url).model_dump(mode="json"),
    )


def _image_data(image: Image, public_base_url: str) -> BaseModel:
    common = {
        "request_id": image.request_id,
        "image_id": image.image_id,
        "round": image.round,
        "input_url": image.url,
        "attempts": image.attempts,
    }
    if image.result is None:
        return ImageFailedData.model_validate(
            common | {"error_code": image.error_code, "error_detail": image.error_detail}
        )
    figures = image.result.model_dump(exclude={"key"})
    of_result = {
        "output_url": public_url(public_base_url, image.result.key),
        "saved_percent": saved_percent(image.result.bytes_in, image.result.bytes_out),
    }
    return ImageCompressedData.model_validate(common | figures | of_result)


def request_accepted_event(request: Request) -> PublicEvent:
    """`request.accepted`: the upload is stored and its request is recorded."""
    type_ = EventType.REQUEST_ACCEPTED
    data = RequestAcceptedData(
        request_id=request.request_id, round=request.round, filename=request.filename, options=request.options
    )
    return PublicEvent(
        event_id=f"{request.request_id}:{request.round}:{type_}",
        type=type_,
        subject=request.request_id,
        time=request.created_at,
        data=data.model_dump(mode="json"),
    )


def request_finished_event(request: Request, public_base_url: str) -> PublicEvent:
    """`request.completed`, `request.failed` or `request.cancelled`; its data is also the webhook's.

    Raises ValueError for a request that is not finished.
    """
    type_ = _TYPE_OF_END.get(request.status)
    if type_ is None or request.finished_at is None or request.output_key is None or request.report_key is None:
        raise ValueError(f"request {request.request_id} is not finished")
    progress = request.progress
    data = RequestFinishedData.model_validate(
        {
            "request_id": request.request_id,
            "round": request.round,
            "status": request.status,
            "error_code": request.error_code,
            "images": ImageCounts(
                total=progress.total,
                compressed=progress.compressed,
                failed=progress.failed,
                cancelled=progress.cancelled,
                reused=progress.reused,
            ),
            "output_csv_url": public_url(public_base_url, request.output_key),
            "report_url": public_url(public_base_url, request.report_key),
            "report_json_url": request.report_json_key and public_url(public_base_url, request.report_json_key),
            "failed_csv_url": request.failed_key and public_url(public_base_url, request.failed_key),
            "created_at": rfc3339(request.created_at),
            "finished_at": rfc3339(request.finished_at),
            "expires_at": request.expires_at and rfc3339(request.expires_at),
        }
    )
    return PublicEvent(
        event_id=f"{request.request_id}:{request.round}:{type_}",
        type=type_,
        subject=request.request_id,
        time=request.finished_at,
        data=data.model_dump(mode="json"),
    )
