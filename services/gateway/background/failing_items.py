"""Items that a background step cannot process: they stop no other item, and are not tried again in each step."""

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import structlog

from shared.errors import DependencyUnavailable
from shared.long_lived import is_asked_to_stop
from shared.observability import Metrics

_FIRST_PAUSE_SECONDS = 5.0
_MAX_PAUSE_SECONDS = 900.0
_MAX_REMEMBERED = 10_000  # beyond them, the oldest may be tried again early

T = TypeVar("T")
M = TypeVar("M")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Failure:
    pause: float
    until: float


class FailingItems:
    """Of one step. An item that fails is passed over for a while, which doubles with each further failure."""

    def __init__(
        self,
        step: str,
        metrics: Metrics,
        first_pause: float = _FIRST_PAUSE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`clock` returns seconds."""
        self._step = step
        self._first_pause = first_pause
        self._metrics = metrics
        self._clock = clock
        self._failures: dict[str, _Failure] = {}
        metrics.background_items_failed.labels(step=step)  # from 0, so that an alert sees the first failure

    def __contains__(self, item: str) -> bool:
        """Whether to pass the item over now."""
        failure = self._failures.get(item)
        return failure is not None and failure.until > self._clock()

    def passed_over(self) -> list[str]:
        return [item for item in self._failures if item in self]

    def built(self, items: Iterable[T], name: Callable[[T], str], build: Callable[[T], M]) -> list[M]:
        """What is built of each item, without those that fail."""
        built = []
        for item in items:
            if name(item) not in self:
                with self.attempt(name(item)):
                    built.append(build(item))
        return built

    @contextmanager
    def attempt(self, item: str) -> Iterator[None]:
        """Process the item in the block. Only DependencyUnavailable leaves it; other errors are logged and counted."""
        try:
            yield
        except DependencyUnavailable:
            raise
        except (Exception, asyncio.CancelledError):
            if is_asked_to_stop():
                raise
            self._fail(item)
        else:
            self._failures.pop(item, None)

    def _fail(self, item: str) -> None:
        known = self._failures.pop(item, None)  # so that the oldest come first
        pause = self._first_pause if known is None else min(2 * known.pause, _MAX_PAUSE_SECONDS)
        self._failures[item] = _Failure(pause, self._clock() + pause)
        if len(self._failures) > _MAX_REMEMBERED:
            self._failures.pop(next(iter(self._failures)))
        log.exception("background_item_failed", step=self._step, item=item, again_in_seconds=pause)
        self._metrics.background_items_failed.labels(step=self._step).inc()
