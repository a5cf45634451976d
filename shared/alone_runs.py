"""Runs the commands of images that lost a worker alone in their process, and counts the processes that end in a run.

The broker counts every return of a command: also those after lost connections and restarts, and those of commands that
only waited. So each run has a mark in the store while it lasts. A process that survives the run removes its mark; a
mark that remains belongs to a process that ended or hangs during the run.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import structlog

from shared.contracts.error_codes import ErrorCode
from shared.contracts.messages import CompressImage, DownloadImage
from shared.contracts.object_keys import run_marks_prefix
from shared.errors import StorageUnavailable
from shared.isolation import Isolation, under
from shared.losses import LossPolicy, SuspectHandler
from shared.messaging import ALONE_QUEUE_OF, Subscription
from shared.storage import ObjectStore

Command = DownloadImage | CompressImage
Handle = Callable[[Any], Awaitable[Sequence[Any]]]

DEATHS_PER_LOSS = 10
_REMOVAL_SECONDS = 5.0
_MARK_TYPE = "application/octet-stream"

log = structlog.get_logger(__name__)


def with_alone_runs(
    commands: Sequence[Subscription], store: ObjectStore, losses: LossPolicy, deaths_per_loss: int = DEATHS_PER_LOSS
) -> list[Subscription]:
    """`commands`, all of one type, and the subscription for those whose image lost a worker."""
    usual = commands[0]
    [kind] = usual.types
    isolation = Isolation()
    alone = AloneRuns(usual.handle, isolation, store, losses, deaths_per_loss)
    return [
        *(
            replace(each, handle=under(isolation.shared, each.handle), on_suspect=SuspectHandler(losses))
            for each in commands
        ),
        replace(usual, queue=ALONE_QUEUE_OF[kind], handle=alone, concurrency=1, on_suspect=send_again),
    ]


class AloneRuns:
    """A handler that calls `handle` while nothing else runs.

    After `deaths_per_loss` processes ended in a run of the same command, the answer is a loss.
    """

    def __init__(
        self,
        handle: Handle,
        isolation: Isolation,
        store: ObjectStore,
        losses: LossPolicy,
        deaths_per_loss: int = DEATHS_PER_LOSS,
    ) -> None:
        self._handle = handle
        self._isolation = isolation
        self._store = store
        self._losses = losses
        self._deaths_per_loss = deaths_per_loss
        self._process = secrets.token_hex(8)
        self._left_behind: set[str] = set()

    async def __call__(self, command: Command) -> Sequence[Any]:
        async with self._isolation.isolated():
            deaths = await self._deaths(command)
            if deaths >= self._deaths_per_loss:
                detail = f"{deaths} processes ended or hung while they ran its {type(command).__name__} command alone"
                return [self._losses.answer(command, ErrorCode.WORKER_LOST, detail)]
            async with self._marked(run_marks_prefix(command) + self._process):
                return await self._handle(command)

    async def _deaths(self, command: Command) -> int:
        marks = [key async for key in self._store.list_keys(run_marks_prefix(command))]
        return sum(not key.endswith(self._process) for key in marks)

    @asynccontextmanager
    async def _marked(self, key: str) -> AsyncIterator[None]:
        await self._remove()
        await self._store.put_bytes(key, b"", _MARK_TYPE, durable=False)  # must survive the process, not the machine
        self._left_behind.add(key)
        try:
            yield
        finally:
            try:
                async with asyncio.timeout(_REMOVAL_SECONDS):
                    await self._remove()
            except (StorageUnavailable, TimeoutError) as error:  # the next run removes it
                log.warning("run_mark_not_removed", key=key, error=str(error) or "no answer in time")

    async def _remove(self) -> None:
        await self._store.delete(self._left_behind)
        self._left_behind.clear()


async def send_again(command: Command) -> Sequence[Command]:
    """A handler for a command that returned often: sent as a new message, it does not reach the broker's limit."""
    return [command]
