"""The public events on `imagemill.events`, built from what is recorded.

An event's id, time and data come from the recorded document alone: a duplicate carries the same id and the same data,
so a subscriber may drop it. The envelope is CloudEvents 1.0 in structured JSON; `type` is the routing key.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.contracts.object_keys import public_url
from shared.contracts.records import Image, Request, saved_percent
from shared.contracts.states import ImageState, RequestStatus
from shared.contracts.times import rfc3339

IMAGE_COMPRESSED = "image.compressed"
IMAGE_FAILED = "image.failed"
REQUEST_ACCEPTED = "request.accepted"
REQUEST_COMPLETED = "request.completed"
REQUEST_FAILED = "request.failed"


@dataclass(frozen=True, slots=True)
class PublicEvent:
    """One CloudEvent. `data` is JSON; `time` is when the thing was recorded, not when this copy was sent."""

    event_id: str
    type: str
    subject: str
    time: datetime
    data: dict[str, Any]


def image_event(image: Image, public_base_url: str) -> PublicEvent:
    """`image.compressed` or `image.failed` for an image that has reached its end."""
    if image.ended_at is None:
        raise ValueError(f"image {image.image_id} of {image.request_id} has not reached its end")
    type_ = IMAGE_COMPRESSED if image.state is ImageState.COMPRESSED else IMAGE_FAILED
    data: dict[str, Any] = {
        "request_id": image.request_id,
        "image_id": image.image_id,
        "round": image.round,
        "input_url": image.url,
        "attempts": image.attempts,
    }
    if image.result is not None:
        result = image.result
        data |= {"output_url": public_url(public_base_url, result.key)}
        data |= result.model_dump(mode="json", exclude={"key"}) | {"saved_percent": saved_percent(result)}
    else:
        data |= {"error_code": image.error_code, "error_detail": image.error_detail}
    return PublicEvent(
        event_id=f"{image.request_id}:{image.round}:{image.image_id}:{type_}",
        type=type_,
        subject=f"{image.request_id}/{image.image_id}",
        time=image.ended_at,
        data=data,
    )


def request_accepted_event(request: Request) -> PublicEvent:
    """`request.accepted`: the upload is stored and its request recorded."""
    return PublicEvent(
        event_id=f"{request.request_id}:{request.round}:{REQUEST_ACCEPTED}",
        type=REQUEST_ACCEPTED,
        subject=request.request_id,
        time=request.created_at,
        data={
            "request_id": request.request_id,
            "round": request.round,
            "filename": request.filename,
            "options": request.options.model_dump(mode="json"),
        },
    )


def request_finished_event(request: Request, public_base_url: str) -> PublicEvent:
    """`request.completed` or `request.failed`; its data is also the webhook's."""
    if request.finished_at is None or request.output_key is None or request.report_key is None:
        raise ValueError(f"request {request.request_id} is not finished")
    type_ = REQUEST_COMPLETED if request.status is RequestStatus.COMPLETED else REQUEST_FAILED
    progress = request.progress
    return PublicEvent(
        event_id=f"{request.request_id}:{request.round}:{type_}",
        type=type_,
        subject=request.request_id,
        time=request.finished_at,
        data={
            "request_id": request.request_id,
            "round": request.round,
            "status": request.status.value,
            "images": {
                "total": progress.total,
                "compressed": progress.compressed,
                "failed": progress.failed,
                "reused": progress.reused,
            },
            "output_csv_url": public_url(public_base_url, request.output_key),
            "report_url": public_url(public_base_url, request.report_key),
            "report_json_url": request.report_json_key and public_url(public_base_url, request.report_json_key),
            "failed_csv_url": request.failed_key and public_url(public_base_url, request.failed_key),
            "created_at": rfc3339(request.created_at),
            "finished_at": rfc3339(request.finished_at),
        },
    )
