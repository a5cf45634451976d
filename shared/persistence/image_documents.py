"""Images as MongoDB documents, and back; see record_reading."""

from datetime import datetime

from shared.contracts.messages import ImageResult
from shared.contracts.records import Image, saved_percent
from shared.contracts.states import ImageState
from shared.persistence.documents import Document


def document_id(request_id: str, image_id: str) -> str:
    return f"{request_id}:{image_id}"


def to_document(image: Image, now: datetime) -> Document:
    """The document of a new image; it is due at once.

    Without a deadline it has no such field, so that `$min` sets the first one and changes no other.
    """
    deadline = {} if image.deadline is None else {"deadline": image.deadline}
    return deadline | {
        "_id": document_id(image.request_id, image.image_id),
        "request_id": image.request_id,
        "url": image.url,
        "host": image.host,
        "state": image.state.value,
        "round": image.round,
        "dispatch": image.dispatch,
        "attempts": image.attempts,
        "error_code": image.error_code.value if image.error_code else None,
        "error_detail": image.error_detail,
        "result": result_document(image.result) if image.result else None,
        "ended_at": image.ended_at,
        "not_before": now,
        "dispatched_at": None,
        "answered": image.dispatch,
        "losses": image.losses,
        "position": image.position,
    }


_EARLIER_ROUNDS = 3
_IDENTITY = ("_id", "request_id", "url", "host", "position")
_END_OF_ROUND = ("host", "round", "state", "dispatch", "attempts", "losses", "error_code", "error_detail", "ended_at")
"""A failed image has no other fields of a record, except a deadline, which counts only in its round."""


def retry_changes(round_: int, now: datetime) -> list[Document]:
    """The update with which a failed image starts a round. Numbers start again; every guard compares the round too.

    The ends of the last rounds are kept: an event of theirs may still have to be published.
    """
    ended = {name: f"${name}" for name in _END_OF_ROUND}
    earlier = {"$concatArrays": [{"$ifNull": ["$earlier", []]}, [ended]]}
    fields = {
        "state": ImageState.PENDING.value,
        "round": round_,
        "dispatch": 0,
        "attempts": 0,
        "error_code": None,
        "error_detail": None,
        "ended_at": None,
        "not_before": now,
        "dispatched_at": None,
        "answered": 0,
        "losses": 0,
    }
    return [{"$set": fields | {"earlier": {"$slice": [earlier, -_EARLIER_ROUNDS]}}}, {"$unset": ["deadline"]}]


def as_ended(document: Document, round_: int) -> Document | None:
    """The image as an earlier round ended it; None if that is not known.

    Other fields belong to the current round, for example the result of its success.
    """
    identity = {name: document[name] for name in _IDENTITY if name in document}
    return next((identity | end for end in document.get("earlier", ()) if end["round"] == round_), None)


def result_document(result: ImageResult) -> Document:
    """With the share saved, for people who read the database; the services compute it."""
    return result.model_dump() | {"saved_percent": saved_percent(result.bytes_in, result.bytes_out)}


def image_fields(document: Document) -> Document:
    return document | {"image_id": document["_id"].partition(":")[2]}
