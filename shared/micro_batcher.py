"""Combines concurrent calls into batches: while one batch is processed, the next one collects."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class MicroBatcher(Generic[Item, Result]):
    """Calls `flush` with the items of all waiting callers, at most `max_items` at a time.

    `flush` returns one result per item, in their order. An exception from it is raised in every caller of the batch.
    """

    def __init__(
        self, flush: Callable[[Sequence[Item]], Awaitable[Sequence[Result]]], *, linger: float = 0, max_items: int = 200
    ) -> None:
        """`linger`: seconds to wait for further items before each flush."""
        self._flush = flush
        self._linger = linger
        self._max_items = max_items
        self._waiting: list[tuple[Item, asyncio.Future[Result]]] = []
        self._flushing: asyncio.Task[None] | None = None

    async def __call__(self, item: Item) -> Result:
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._flushing is None:
            self._flushing = asyncio.create_task(self._flush_all())
        return await future

    async def _flush_all(self) -> None:
        try:
            while self._waiting:
                await asyncio.sleep(self._linger)
                batch, self._waiting = self._waiting[: self._max_items], self._waiting[self._max_items :]
                await self._process(batch)
        finally:
            self._flushing = None

    async def _process(self, batch: list[tuple[Item, asyncio.Future[Result]]]) -> None:
        try:
            results = await self._flush([item for item, _ in batch])
        except Exception as error:
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
        else:
            for (_, future), result in zip(batch, results, strict=True):
                if not future.done():
                    future.set_result(result)
