"""Batches of catalogue rows, limited by rows, slots and characters, so that wide rows do not fill the memory. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """What a batch may hold. A single cell may list thousands of URLs, and a single row may have millions of chars."""

    rows: int
    slots: int
    chars: int


class Row(Protocol):
    """slots: how many URLs each image column has. record: the row's text."""

    @property
    def slots(self) -> tuple[int, ...]: ...
    @property
    def record(self) -> str: ...


R = TypeVar("R", bound=Row)


class Batch(Generic[R]):
    """Collects rows until the next one would exceed a limit. A row that exceeds a limit alone is a batch of its own."""

    def __init__(self, limits: BatchLimits) -> None:
        self._limits = limits
        self._rows: list[R] = []
        self._slots = self._chars = 0

    def add(self, row: R) -> list[R] | None:
        """Add a row. If it does not fit, return the full batch and start the next one with the row."""
        slots, chars, limits = sum(row.slots), len(row.record), self._limits
        full = None
        if self._rows and (
            len(self._rows) >= limits.rows or self._slots + slots > limits.slots or self._chars + chars > limits.chars
        ):
            full = self.take()
        self._rows.append(row)
        self._slots += slots
        self._chars += chars
        return full

    def take(self) -> list[R]:
        """Return the rows collected so far and start an empty batch."""
        rows = self._rows
        self._rows, self._slots, self._chars = [], 0, 0
        return rows


def in_batches(rows: Iterable[R], limits: BatchLimits) -> Iterator[list[R]]:
    """All rows, in order. If reading them fails, the rows before the failure come first and then the exception.

    This is so for every exception, also for an unexpected one: a row that was read is complete. The intake, which can
    continue at any row, records it and need not read it again.
    """
    batch, failure = Batch[R](limits), None
    source = iter(rows)
    while failure is None:
        try:
            row = next(source)
        except StopIteration:
            break
        except Exception as error:
            failure = error
            break
        if full := batch.add(row):
            yield full
    if rest := batch.take():
        yield rest
    if failure is not None:
        raise failure
