"""The list of all messages is complete."""

from collections.abc import Iterator

from shared.contracts import messages
from shared.contracts.messages import MESSAGES, ImageMessage, Message


def _below(kind: type[Message]) -> Iterator[type[Message]]:
    for each in kind.__subclasses__():
        yield each
        yield from _below(each)


def test_every_message_is_in_the_list_once() -> None:
    defined = [each for each in _below(Message) if each.__module__.startswith(messages.__name__)]
    assert sorted(each.__name__ for each in MESSAGES) == sorted(
        each.__name__ for each in defined if each is not ImageMessage
    )
