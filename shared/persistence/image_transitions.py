"""The transitions of images between their states, as guarded MongoDB updates.

A result that reaches a terminal state is accepted from any open state of its round: it may arrive before the dispatcher
has marked the image as dispatched. A deferral is accepted for the latest dispatch only, and once. So is a failure
because workers were lost: other failures are answers about the image, which hold whatever a later run is doing.
"""

from datetime import datetime

from pymongo import UpdateOne

from shared.contracts.error_codes import ErrorCode
from shared.contracts.messages import ImageCompressed, ImageDeferred, ImageFailed, moment
from shared.contracts.records import Image
from shared.contracts.states import OPEN_STATES, ImageState
from shared.persistence.documents import Document
from shared.persistence.image_documents import document_id, result_document

Result = ImageCompressed | ImageFailed | ImageDeferred

OPEN: Document = {"$in": [state.value for state in OPEN_STATES]}
"""A condition on `state`."""


def result_transition(result: Result, deadline: datetime | None, now: datetime) -> UpdateOne:
    """`deadline`: of an image whose first try at its host this is."""
    if isinstance(result, ImageDeferred):
        return _deferral(result, deadline, now)
    changes: Document = {"attempts": result.attempt, "ended_at": now}
    changes |= _compressed(result) if isinstance(result, ImageCompressed) else _failed(result)
    return UpdateOne(_accepted(result), {"$set": changes})


def _accepted(result: ImageCompressed | ImageFailed) -> Document:
    """A success is accepted from any open state of its round. A failure is not, if its dispatch was answered by a
    deferral: it may be a late copy of the failure that became this deferral."""
    if isinstance(result, ImageCompressed):
        return _open_in_its_round(result)
    if result.error_code is ErrorCode.WORKER_LOST:
        return _unanswered(result)
    return _open_in_its_round(result) | {"answered": {"$lt": result.dispatch}}


def _compressed(result: ImageCompressed) -> Document:
    changes: Document = {
        "state": ImageState.COMPRESSED.value,
        "result": result_document(result.result),
        "error_code": None,
        "error_detail": None,
    }
    if result.reuse_key:  # the field's index is sparse: it contains only results that can be reused
        changes |= {"reuse_key": result.reuse_key, "etag": result.etag, "last_modified": result.last_modified}
    return changes


def _failed(result: ImageFailed) -> Document:
    changes: Document = {
        "state": ImageState.FAILED.value,
        "error_code": result.error_code.value,
        "error_detail": result.error_detail,
    }
    if result.error_code is ErrorCode.INVALID_URL:
        changes["host"] = ""
    return changes


def _deferral(result: ImageDeferred, deadline: datetime | None, now: datetime) -> UpdateOne:
    changes: Document = {
        "state": ImageState.PENDING.value,
        "not_before": moment(result.delay, result.not_before, now) or now,
        "dispatch": result.dispatch,
        "answered": result.dispatch,
    }
    update: Document = {
        "$set": changes,
        "$inc": {"attempts": int(result.counts), "losses": int(result.lost)},
    }
    if result.counts or result.host_fault:
        changes |= {"error_code": result.error_code.value, "error_detail": result.error_detail}
    if result.tried_host and deadline is not None:
        update["$min"] = {"deadline": deadline}  # a later deadline changes nothing
    return UpdateOne(_unanswered(result), update)


def dispatch_transition(image: Image, now: datetime) -> UpdateOne:
    """Marks the next dispatch of a pending image."""
    return UpdateOne(
        _not_dispatched_since(image),
        {
            "$set": {
                "state": ImageState.DISPATCHED.value,
                "dispatch": image.dispatch + 1,
                "dispatched_at": now,
            }
        },
    )


def postponement(image: Image, field: str, until: datetime) -> UpdateOne:
    """Sets `field`, a time, of a pending image."""
    return UpdateOne(_not_dispatched_since(image), {"$set": {field: until}})


def _not_dispatched_since(image: Image) -> Document:
    return {
        "_id": document_id(image.request_id, image.image_id),
        "round": image.round,
        "state": ImageState.PENDING.value,
        "dispatch": image.dispatch,
    }


def _open_in_its_round(result: Result) -> Document:
    return {"_id": document_id(result.request_id, result.image_id), "round": result.round, "state": OPEN}


def _unanswered(result: Result) -> Document:
    """A condition: the image is open, and the result's dispatch is its latest and has not been answered.

    The dispatcher publishes before it marks, so the recorded dispatch may be one lower.
    """
    return _open_in_its_round(result) | {
        "dispatch": {"$lte": result.dispatch},
        "answered": {"$lt": result.dispatch},
    }
