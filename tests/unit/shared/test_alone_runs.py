"""A run has a mark while it lasts; a mark that another process left counts as the end of that process."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from shared.alone_runs import AloneRuns, send_again
from shared.contracts.error_codes import ErrorCode
from shared.contracts.messages import DownloadImage, ImageDeferred
from shared.contracts.object_keys import run_marks_prefix
from shared.errors import StorageUnavailable
from shared.isolation import Isolation
from shared.losses import LossPolicy
from shared.settings import LossSettings
from tests.fakes import MemoryObjectStore
from tests.support.builders import an_image
from tests.support.worker_messages import compress, download

COMMAND = download(an_image(), losses=1)


class Handler:
    """Records the marks that it sees. error: raised by each call."""

    def __init__(self, store: MemoryObjectStore, error: Exception | None = None) -> None:
        self.store = store
        self.error = error
        self.marks: list[set[str]] = []

    async def __call__(self, _: DownloadImage) -> Sequence[Any]:
        self.marks.append(set(self.store.objects))
        if self.error is not None:
            raise self.error
        return ["answer"]


def runs(handler: Handler, deaths_per_loss: int = 3) -> AloneRuns:
    losses = LossPolicy(LossSettings(), lambda: 0.0)
    return AloneRuns(handler, Isolation(), handler.store, losses, deaths_per_loss)


async def dies(store: MemoryObjectStore, command: Any = COMMAND) -> None:
    """What a process that ends during a run leaves behind."""
    began = asyncio.Event()

    async def handle(_: Any) -> Sequence[Any]:
        before.update(store.objects)
        began.set()
        await asyncio.Event().wait()
        return []

    before: dict[str, Any] = {}
    run = asyncio.create_task(AloneRuns(handle, Isolation(), store, LossPolicy(LossSettings(), lambda: 0.0))(command))
    await began.wait()
    run.cancel()
    await asyncio.gather(run, return_exceptions=True)
    assert before.keys() - store.objects.keys(), "a cancelled run removes its mark"
    store.objects.update(before)


async def test_a_run_is_marked_while_it_lasts() -> None:
    handler = Handler(MemoryObjectStore())
    assert await runs(handler)(COMMAND) == ["answer"]
    [marks] = handler.marks
    assert [key.startswith(run_marks_prefix(COMMAND)) for key in marks] == [True]
    assert not handler.store.objects


async def test_a_failed_run_is_no_death() -> None:
    handler = Handler(MemoryObjectStore(), StorageUnavailable("away"))
    run = runs(handler, deaths_per_loss=1)
    for _ in range(3):
        with pytest.raises(StorageUnavailable):
            await run(COMMAND)
    assert not handler.store.objects


async def test_a_loss_follows_as_many_deaths_in_runs_of_the_same_command() -> None:
    handler = Handler(MemoryObjectStore())
    for _ in range(2):
        await dies(handler.store)
    for other in (download(an_image(), losses=1, dispatch=2), compress(an_image(), losses=1)):
        await dies(handler.store, other)
    assert await runs(handler)(COMMAND) == ["answer"]
    await dies(handler.store)

    [loss] = await runs(handler)(COMMAND)

    assert isinstance(loss, ImageDeferred)
    assert (loss.lost, loss.error_code) == (True, ErrorCode.WORKER_LOST)
    assert loss.error_detail == "3 processes ended or hung while they ran its DownloadImage command alone"
    assert len(handler.marks) == 1


async def test_a_mark_that_could_not_be_removed_is_removed_by_the_next_run() -> None:
    class Store(MemoryObjectStore):
        is_away = True

        async def delete(self, keys: Any) -> None:
            keys = list(keys)
            if keys and self.is_away:
                raise StorageUnavailable("away")
            await super().delete(keys)

    handler = Handler(store := Store())
    run = runs(handler, deaths_per_loss=1)
    assert await run(COMMAND) == ["answer"]
    assert store.objects
    store.is_away = False
    assert await run(download(an_image("http://images.test/2.jpg"), losses=1)) == ["answer"]
    assert not store.objects


async def test_a_command_that_returned_often_is_sent_again_as_it_is() -> None:
    assert await send_again(COMMAND) == [COMMAND]
