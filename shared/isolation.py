"""A lock with two modes: shared work runs concurrently, isolated work runs while nothing else does."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import TypeVar

from shared.long_lived import moving

T = TypeVar("T")
R = TypeVar("R")


class Isolation:
    """Shared work runs concurrently; isolated work runs while nothing else does. Neither can starve the other.

    Isolated work waits until the work in progress has ended; nothing new begins meanwhile. Afterwards shared work may
    run for at least as long as it was delayed, before the next isolated work delays it again.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._admits = asyncio.Event()
        self._admits.set()
        self._wanted = _Count()
        self._running = _Count()
        self._one_isolated = asyncio.Lock()
        self._next_isolated_at = 0.0

    @asynccontextmanager
    async def shared(self) -> AsyncIterator[None]:
        """Run beside other shared work."""
        with self._wanted:
            while not self._admits.is_set():
                with moving():
                    await self._admits.wait()
            with self._running:
                yield

    @asynccontextmanager
    async def isolated(self) -> AsyncIterator[None]:
        """Run while nothing else runs."""
        async with self._one_isolated:
            with suppress(TimeoutError), moving():
                async with asyncio.timeout(max(self._next_isolated_at - self._clock(), 0)):
                    await self._wanted.zero.wait()
            delays_since = self._clock()
            self._admits.clear()
            try:
                with moving():
                    await self._running.zero.wait()
                yield
            finally:
                self._admits.set()
                self._next_isolated_at = 2 * self._clock() - delays_since


def under(
    admission: Callable[[], AbstractAsyncContextManager[None]], work: Callable[[T], Awaitable[R]]
) -> Callable[[T], Awaitable[R]]:
    """`work`, each call within its own `admission`, a method of Isolation."""

    async def admitted(item: T) -> R:
        async with admission():
            return await work(item)

    return admitted


class _Count:
    """Counts the blocks that were entered and not left. zero: set while there are none."""

    def __init__(self) -> None:
        self._blocks = 0
        self.zero = asyncio.Event()
        self.zero.set()

    def __enter__(self) -> None:
        self._blocks += 1
        self.zero.clear()

    def __exit__(self, *_: object) -> None:
        self._blocks -= 1
        if not self._blocks:
            self.zero.set()
