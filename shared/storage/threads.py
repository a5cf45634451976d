"""Runs blocking calls in the store's own threads."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

T = TypeVar("T")


class Threads:
    """At most `limit` concurrent calls. The loop's default pool is small and shared with name resolution."""

    def __init__(self, limit: int, name: str) -> None:
        self._executor = ThreadPoolExecutor(limit, thread_name_prefix=name)

    async def run(self, call: Callable[[], T]) -> T:
        """Run `call` in a thread. If the caller is cancelled, the call still runs to its end."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, call)

    async def stream(self, items: Iterator[T], batch: int) -> AsyncIterator[T]:
        """The items of a blocking iterator, fetched `batch` at a time."""
        while fetched := await self.run(lambda: list(islice(items, batch))):
            for item in fetched:
                yield item

    def release(self, close: Callable[[], object]) -> None:
        """Call `close` without waiting for it: after a cancellation another thread may still be reading."""
        try:
            self._executor.submit(close)
        except RuntimeError:  # the threads have ended, so none is reading
            close()

    async def close(self) -> None:
        """Wait for running calls and end the threads."""
        await asyncio.to_thread(self._executor.shutdown)
