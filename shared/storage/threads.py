"""Runs blocking calls in the store's own threads."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from itertools import islice
from typing import Any, TypeVar

from shared.errors import StorageUnavailable
from shared.long_lived import progress

T = TypeVar("T")

CALL_SECONDS = 60.0
_SLOWEST = 2_000_000  # bytes per second of a file that is stored
_CLOSE_SECONDS = 5.0


class Threads:
    """At most `limit` concurrent calls. The loop's default pool is small and shared with name resolution.

    A call that takes too long raises StorageUnavailable. Its thread cannot be ended: it is lost until the call returns.
    """

    def __init__(self, limit: int, name: str) -> None:
        self._executor = ThreadPoolExecutor(limit, thread_name_prefix=name)
        self._hanging: set[Future[Any]] = set()

    async def run(self, call: Callable[[], T], size: int = 0) -> T:
        """Run `call`, which stores `size` bytes, in a thread. If the caller is cancelled, it still runs to its end."""
        running = self._executor.submit(call)
        limit = asyncio.timeout(CALL_SECONDS + size / _SLOWEST)
        try:
            async with limit:
                result = await asyncio.wrap_future(running)
        except TimeoutError:
            if not limit.expired():
                raise
            if not running.cancel():
                self._hanging.add(running)
                running.add_done_callback(self._hanging.discard)
            raise StorageUnavailable(f"a call of the object store takes longer than {CALL_SECONDS:g} s") from None
        progress()
        return result

    async def until_none_hangs(self) -> None:
        """Wait for the calls that took too long. For a ping: a store with such a call does not work."""
        while hanging := list(self._hanging):
            await asyncio.gather(*map(asyncio.wrap_future, hanging), return_exceptions=True)

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
        """Wait a while for running calls, and end the threads."""
        self._executor.shutdown(wait=False, cancel_futures=bool(self._hanging))
        if not self._hanging:
            with suppress(TimeoutError):
                async with asyncio.timeout(_CLOSE_SECONDS):
                    await asyncio.to_thread(self._executor.shutdown)
