"""The public events and the fields of their data, from shared/contracts/events.py."""

from collections.abc import Iterator

from pydantic import BaseModel

from dev.docs.markdown import code, table
from shared.contracts.events import EVENT_GUIDES, EventType
from shared.contracts.messages import CompressOptions


def event_types() -> str:
    rows = [(code(type_), guide.when, guide.subject) for type_, guide in EVENT_GUIDES.items()]
    return table(("type", "when", "subject"), rows)


def image_compressed_fields() -> str:
    return _fields(EventType.IMAGE_COMPRESSED)


def image_failed_fields() -> str:
    return _fields(EventType.IMAGE_FAILED)


def request_accepted_fields() -> str:
    return _fields(EventType.REQUEST_ACCEPTED)


def request_finished_fields() -> str:
    return _fields(EventType.REQUEST_COMPLETED)


def _fields(type_: EventType) -> str:
    return table(("field", "meaning"), _rows(EVENT_GUIDES[type_].data))


def _rows(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel) and inner is not CompressOptions:
            yield from _rows(inner, f"{prefix}{name}.")
        else:
            yield code(f"{prefix}{name}"), field.description or ""
