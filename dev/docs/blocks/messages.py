"""The internal messages, from shared/contracts/messages and the code that sends and receives them."""

from pydantic import BaseModel

from dev.docs.markdown import code, table
from dev.docs.message_flow import Flow, flows
from shared.contracts.messages import (
    MESSAGES,
    FetchBounds,
    ImageMessage,
    ImageResult,
    KnownResult,
    Message,
    ProbedImage,
    RoundToDrop,
)

_PARTS: tuple[type[BaseModel], ...] = (ImageResult, KnownResult, ProbedImage, FetchBounds, RoundToDrop)


def messages() -> str:
    """Who sends which message to whom, over which queue."""
    rows = [
        (
            code(flow.message.__name__),
            _queue(flow),
            f"{', '.join(flow.senders)} → {', '.join(flow.receivers)}",
            _sentence(flow.message),
        )
        for flow in flows()
    ]
    return table(("message", "queue", "from → to", "meaning"), rows)


def message_fields() -> str:
    """The fields that each class adds to its base."""
    classes: tuple[type[BaseModel], ...] = (ImageMessage, *MESSAGES, *_PARTS)
    rows = [(code(each.__name__), code(name), meaning) for each in classes for name, meaning in _own_fields(each)]
    return table(("message", "field", "meaning"), rows)


def _queue(flow: Flow) -> str:
    if flow.is_broadcast:
        return "one of each process"
    return ", ".join(map(code, flow.queues)) or "the queue in `reply_to`"


def _own_fields(model: type[BaseModel]) -> list[tuple[str, str]]:
    own = model.__annotations__
    return [(name, field.description or "") for name, field in model.model_fields.items() if name in own]


def _sentence(message: type[Message]) -> str:
    return " ".join((message.__doc__ or "").split())
