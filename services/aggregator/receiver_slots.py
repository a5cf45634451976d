"""Limits the attempts at one receiver that a process makes at the same time."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager


class ReceiverSlots:
    """A receiver that hangs occupies at most `per_receiver` of the process's workers."""

    def __init__(self, per_receiver: int) -> None:
        self._per_receiver = per_receiver
        self._taken: Counter[str] = Counter()

    @contextmanager
    def take(self, receiver: str) -> Iterator[bool]:
        """Whether a slot was free; it is taken until the context ends."""
        if self._taken[receiver] >= self._per_receiver:
            yield False
            return
        self._taken[receiver] += 1
        try:
            yield True
        finally:
            self._taken[receiver] -= 1
            if not self._taken[receiver]:
                del self._taken[receiver]
