"""Which service sends and which receives each internal message, read from the services' code.

A service sends a message if its code calls the class. It receives one if a Subscription to the message's usual queue
names the class; a reply has no queue of its own and goes back to the services that send its command. A broadcast
reaches every service that creates its listener.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from shared.contracts import messages
from shared.contracts.messages import MESSAGES, Message
from shared.messaging import ALONE_QUEUE_OF, QUEUE_OF, DroppedRounds, Queue, Reports

SERVICES = ("gateway", "downloader", "compressor", "aggregator")
_SOURCES = Path(__file__).parents[2] / "services"
_COMMAND_OF_REPLY: dict[type[Message], type[Message]] = {
    messages.WebhookTested: messages.SendTestWebhook,
    messages.ImagesProbed: messages.ProbeImages,
}
_LISTENER_OF_BROADCAST: dict[type[Message], str] = {
    messages.DropRounds: DroppedRounds.__name__,
    messages.DownloadsReported: Reports.__name__,
    messages.CompressionsReported: Reports.__name__,
    messages.ResultsRecorded: Reports.__name__,
}
_NOT_SENT = {("aggregator", messages.ImageDeferred.__name__)}
"""The aggregator makes a deferral of a failure while the host's circuit is open, and records it itself."""


@dataclass(frozen=True, slots=True)
class Flow:
    """queues: none for a reply or a broadcast; the first is the usual one."""

    message: type[Message]
    queues: tuple[Queue, ...]
    senders: tuple[str, ...]
    receivers: tuple[str, ...]

    @property
    def is_broadcast(self) -> bool:
        return self.message in _LISTENER_OF_BROADCAST


def flows() -> list[Flow]:
    """One for each message class."""
    trees = {service: list(_trees(service)) for service in SERVICES}
    called = {
        service: set(_called(trees[service])) - {name for of, name in _NOT_SENT if of == service}
        for service in SERVICES
    }
    subscribed = {service: set(_subscribed(trees[service])) for service in SERVICES}

    def senders(message: type[Message]) -> tuple[str, ...]:
        return tuple(service for service in SERVICES if message.__name__ in called[service])

    def receivers(message: type[Message]) -> tuple[str, ...]:
        if message in _COMMAND_OF_REPLY:
            return senders(_COMMAND_OF_REPLY[message])
        if message in _LISTENER_OF_BROADCAST:
            return tuple(service for service in SERVICES if _LISTENER_OF_BROADCAST[message] in called[service])
        wanted = QUEUE_OF[message].name, message.__name__
        return tuple(service for service in SERVICES if wanted in subscribed[service])

    return [Flow(message, _queues(message), senders(message), receivers(message)) for message in MESSAGES]


def _queues(message: type[Message]) -> tuple[Queue, ...]:
    return tuple(queues[message] for queues in (QUEUE_OF, ALONE_QUEUE_OF) if message in queues)


def _trees(service: str) -> Iterator[ast.Module]:
    for path in sorted((_SOURCES / service).rglob("*.py")):
        yield ast.parse(path.read_text(encoding="utf-8"))


def _calls(trees: list[ast.Module]) -> Iterator[tuple[str, ast.Call]]:
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                yield node.func.id, node


def _called(trees: list[ast.Module]) -> Iterator[str]:
    for name, _ in _calls(trees):
        yield name


def _subscribed(trees: list[ast.Module]) -> Iterator[tuple[str, str]]:
    """Pairs of queue and message, both by name, from calls like Subscription(Queue.X, (Message, …), …)."""
    for name, call in _calls(trees):
        match name, call.args:
            case "Subscription", [ast.Attribute(attr=queue), ast.Tuple(elts=kinds), *_]:
                for kind in kinds:
                    if isinstance(kind, ast.Name):
                        yield queue, kind.id
