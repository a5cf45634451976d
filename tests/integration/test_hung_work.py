"""A handler or a call of the object store that hangs makes the process unready; it ends if that does not pass."""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from shared.contracts.messages import Message
from shared.errors import StorageUnavailable
from shared.long_lived import progress
from shared.messaging import Outgoing
from shared.storage import open_object_store
from tests.support.messaging_runtime import open_runtime
from tests.support.recorder import COMMANDS, Recorder, downloads
from tests.support.service_process import a_store
from tests.support.waiting import until

HUNG = "handling a message of imagemill.download"
KEY = "originals/r1/i1"


async def test_a_handler_that_does_not_return_makes_the_process_unready_and_is_a_silent_loop(rabbitmq_url: str) -> None:
    returns = asyncio.Event()
    async with (
        open_runtime(rabbitmq_url, stall_timeout=1, longest_handler=0.3) as runtime,
        runtime.consuming(downloads(Recorder(hold=returns))),
    ):
        await runtime.publisher.publish(COMMANDS[:1])
        await until(lambda: HUNG in runtime.health.problems, what="unready")
        await until(lambda: list(runtime.health.silent_loops(1)) == [HUNG], what="the watchdog ends the process")
        returns.set()
        await until(lambda: runtime.health.ready, what="ready again")


async def test_a_long_handler_that_makes_progress_is_not_taken_for_hung(rabbitmq_url: str) -> None:
    done = asyncio.Event()

    async def handle(_: Message) -> Sequence[Outgoing]:
        for _turn in range(20):
            await asyncio.sleep(0.1)
            progress()
            assert runtime.health.ready
        done.set()
        return []

    async with (
        open_runtime(rabbitmq_url, stall_timeout=1, longest_handler=0.1) as runtime,
        runtime.consuming(downloads(handle)),
    ):
        await runtime.publisher.publish(COMMANDS[:1])
        await asyncio.wait_for(done.wait(), 10)


async def test_a_long_drain_is_no_stall(rabbitmq_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.messaging.consumer.TURN_SECONDS", 0)
    handler = Recorder(hold=asyncio.Event())
    async with (
        open_runtime(rabbitmq_url, stall_timeout=2) as runtime,
        runtime.consuming(downloads(handler)) as stop,
    ):
        await runtime.publisher.publish(COMMANDS[:1])
        await until(lambda: bool(handler.seen), what="in progress")
        stop.set()
        for _turn in range(35):
            await asyncio.sleep(0.1)
            assert not runtime.health.silent_loops(2)
        assert handler.hold is not None
        handler.hold.set()


async def test_a_store_whose_calls_hang_is_unavailable_until_they_return(
    rabbitmq_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.storage.threads.CALL_SECONDS", 0.3)
    monkeypatch.setattr("shared.messaging.dependency_gate._PING_SECONDS", 0.2)
    monkeypatch.setattr("shared.messaging.dependency_gate._PING_ALLOWANCE_SECONDS", 0)
    store = open_object_store(await a_store(tmp_path / "store"))
    await store.put_bytes(KEY, b"picture", "image/jpeg")
    original = _file_in(tmp_path)
    picture = original.rename(original.with_name("picture"))
    os.mkfifo(original)  # reading it waits for a writer, as a file of a mount that hangs does
    answers: list[bytes] = []

    async def handle(_: Message) -> Sequence[Outgoing]:
        answers.append(await store.get_bytes(KEY))
        return []

    async with (
        open_runtime(rabbitmq_url, {"storage": store.ping}, stall_timeout=1) as runtime,
        runtime.consuming(downloads(handle, concurrency=20)),
    ):
        health = runtime.health
        await runtime.publisher.publish(COMMANDS)
        await until(lambda: "storage" in health.problems, what="unready")
        await until(lambda: "pinging storage" in health.silent_loops(1), what="the watchdog ends the process")
        with pytest.raises(StorageUnavailable):  # all of its threads hang
            await store.stat(KEY)
        writer = os.open(original, os.O_WRONLY | os.O_NONBLOCK)  # the readers go on
        picture.rename(original)
        os.close(writer)
        await until(lambda: health.ready and len(answers) >= len(COMMANDS), 20, "all are handled")
        assert set(answers) == {b"picture"}
    await store.close()


def _file_in(folder: Path) -> Path:
    """That of the object KEY."""
    [file] = [path for path in folder.rglob("*") if path.name.startswith("i1")]
    return file
