"""Combines concurrent calls into batches: while one batch is processed, the next one collects."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Generic, TypeVar

from shared.errors import DependencyUnavailable
from shared.long_lived import is_asked_to_stop

Item = TypeVar("Item")
Result = TypeVar("Result")


class MicroBatcher(Generic[Item, Result]):
    """Calls `flush` with the items of all waiting callers, at most `max_items` at a time.

    `flush` returns one result per item, in their order; a result that is an exception is raised in its caller. If
    `flush` raises DependencyUnavailable, so does every call of the batch. If it raises anything else, the halves of the
    batch are flushed separately, and so on, until only the calls whose item is at fault fail. So `flush` must be
    repeatable, or return its exceptions.
    """

    def __init__(
        self,
        flush: Callable[[Sequence[Item]], Awaitable[Sequence[Result | Exception]]],
        *,
        linger: float = 0,
        interval: float = 0,
        max_items: int = 200,
    ) -> None:
        """`linger`: seconds to wait for further items before each flush.

        `interval`: seconds from the flush of several items to the next one at least, unless there are `max_items`. So
        batches grow under load, and an item that comes alone waits only for the `linger`.
        """
        self._flush = flush
        self._linger = linger
        self._interval = interval
        self._max_items = max_items
        self._next_at = float("-inf")
        self._full = asyncio.Event()
        self._waiting: list[tuple[Item, asyncio.Future[Result]]] = []
        self._flushing: asyncio.Task[None] | None = None

    async def __call__(self, item: Item) -> Result:
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if len(self._waiting) >= self._max_items:
            self._full.set()
        if self._flushing is None:
            self._flushing = asyncio.create_task(self._flush_all())
        return await future

    async def _flush_all(self) -> None:
        try:
            while self._waiting:
                await self._collect()
                began_at = asyncio.get_running_loop().time()
                batch, self._waiting = self._waiting[: self._max_items], self._waiting[self._max_items :]
                if len(self._waiting) < self._max_items:
                    self._full.clear()
                self._next_at = began_at + self._interval if len(batch) > 1 else began_at
                await self._process(batch)
        finally:
            self._flushing = None

    async def _collect(self) -> None:
        await asyncio.sleep(self._linger)
        if self._next_at > asyncio.get_running_loop().time() and not self._full.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout_at(self._next_at):
                    await self._full.wait()

    async def _process(self, batch: Sequence[tuple[Item, asyncio.Future[Result]]]) -> None:
        try:
            results = await self._flush([item for item, _ in batch])
            for (item, future), result in zip(batch, results, strict=True):
                if isinstance(result, Exception):
                    _fail([(item, future)], result)
                elif not future.done():
                    future.set_result(result)
        except DependencyUnavailable as error:
            _fail(batch, error)
        except asyncio.CancelledError:  # nobody may wait for a result that never comes
            for _, future in batch:
                future.cancel()
            if is_asked_to_stop():
                raise
        except Exception as error:
            if len(batch) == 1:
                _fail(batch, error)
                return
            half = len(batch) // 2
            await self._process(batch[:half])
            await self._process(batch[half:])


def _fail(batch: Sequence[tuple[Item, asyncio.Future[Result]]], error: Exception) -> None:
    for _, future in batch:
        if not future.done():
            future.set_exception(error)
