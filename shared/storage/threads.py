"""Blocking calls off the event loop, in threads of the store's own."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

T = TypeVar("T")


class Threads:
    """At most `limit` calls at once. Not the loop's default pool: it is small, and name resolution waits in it too."""

    def __init__(self, limit: int, name: str) -> None:
        self._executor = ThreadPoolExecutor(limit, thread_name_prefix=name)

    async def run(self, call: Callable[[], T]) -> T:
        """Call in a thread. If the caller is cancelled, the call still runs to its end."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, call)

    async def stream(self, items: Iterator[T], batch: int) -> AsyncIterator[T]:
        """What a blocking iterator gives, fetched `batch` items at a time."""
        while taken := await self.run(lambda: list(islice(items, batch))):
            for item in taken:
                yield item

    def release(self, close: Callable[[], object]) -> None:
        """Close something without waiting for it: after a cancellation another thread may still be reading from it."""
        try:
            self._executor.submit(close)
        except RuntimeError:  # the threads have ended, so none is reading
            close()

    async def close(self) -> None:
        """Wait for the calls under way and end the threads."""
        await asyncio.to_thread(self._executor.shutdown)
