"""Repeats one call while a dependency is unavailable, so that the work before it is not done again."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

from shared.errors import DependencyUnavailable
from shared.long_lived import moving
from shared.messaging.dependency_gate import DependencyGate

T = TypeVar("T")

# A worker that takes longer than LONGEST_HANDLER counts as lost, and its work is repeated.
LIMIT_SECONDS = 120.0
_RETRY_FOR_SECONDS = 2.0  # before an unavailable dependency closes the gate


class Hold:
    """Repeats calls for at most `seconds` each, but not while the gate is closed and `stop` is set."""

    def __init__(self, gate: DependencyGate, stop: asyncio.Event, seconds: float = LIMIT_SECONDS) -> None:
        self._gate = gate
        self._stop = stop
        self._seconds = seconds

    async def __call__(self, call: Callable[[], Awaitable[T]]) -> T:
        """The result of `call`. Raises DependencyUnavailable if it does not succeed within the limit."""
        started = time.monotonic()
        attempt = call
        while True:
            began = time.monotonic()
            try:
                return await attempt()
            except DependencyUnavailable as error:
                waited = time.monotonic() - started
                if self._gate.is_open and waited < _RETRY_FOR_SECONDS:
                    await asyncio.sleep(random.uniform(0.1, 0.5))  # noqa: S311 (jitter)
                    continue
                self._gate.close(error, began)
                if not await self._admitted_within(self._seconds - waited):
                    raise
                attempt = partial(self._admitted, call)

    async def _admitted(self, call: Callable[[], Awaitable[T]]) -> T:
        """Even a success does not open the gate: the call needs only one of its dependencies."""
        began = time.monotonic()
        try:
            return await call()
        finally:
            self._gate.proved_nothing(began)

    async def _admitted_within(self, seconds: float) -> bool:
        try:
            with moving():
                async with asyncio.timeout(seconds):
                    return await self._gate.wait_until_open(self._stop)
        except TimeoutError:
            return False
