"""Only processes that end while they run a command alone are losses of its image: on a real broker and a real store."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import aio_pika
import pytest

from services.downloader.app import subscription_of
from shared.alone_runs import with_alone_runs
from shared.contracts.messages import DownloadImage, ImageDeferred, ImageFailed, Message
from shared.losses import MAX_LOSSES, LossPolicy
from shared.messaging import Queue
from shared.messaging.topology import queue_of
from shared.settings import LossSettings
from shared.storage import ObjectStore, open_object_store
from tests.support.builders import an_image
from tests.support.crashing_downloader import DEATHS_PER_LOSS, crashing_downloader
from tests.support.messaging_runtime import is_waiting, open_runtime, waiting_in
from tests.support.recorder import Recorder
from tests.support.service_process import a_store
from tests.support.waiting import until
from tests.support.worker_messages import download

LAST = MAX_LOSSES - 1
"""One loss more would fail the image."""


def a_command(name: str, losses: int, dispatch: int = 1) -> DownloadImage:
    return download(an_image(f"http://images.test/{name}.jpg"), losses=losses, dispatch=dispatch)


async def send(url: str, *commands: DownloadImage) -> None:
    async with open_runtime(url) as runtime:
        await runtime.publisher.publish(commands)


async def results(url: str) -> Sequence[Message]:
    """Those in the queue, which are removed from it."""
    found: list[Message] = []
    async with await aio_pika.connect(url) as connection, connection.channel() as channel:
        queue = await channel.get_queue(Queue.RESULTS, ensure=False)
        while (message := await queue.get(fail=False, no_ack=True)) is not None:
            [kind] = [kind for kind in (ImageDeferred, ImageFailed) if kind.__name__ == message.type]
            found.append(kind.model_validate_json(message.body))
    return found


async def close_connections(url: str, queue: Queue, count: int) -> None:
    """Close as many connections that hold the queue's only message."""
    for _ in range(count):
        async with await aio_pika.connect(url) as connection:
            channel = await connection.channel()
            assert await (await channel.get_queue(queue, ensure=False)).get() is not None
        await until(lambda: is_waiting(url, queue, 1), what="the return of the message")


@asynccontextmanager
async def consuming(url: str, store: ObjectStore) -> AsyncIterator[Recorder]:
    handler, losses = Recorder(), LossPolicy(LossSettings(), lambda: 0.0)
    async with open_runtime(url) as runtime:
        subscriptions = with_alone_runs([subscription_of(handler, at_once=4)], store, losses, DEATHS_PER_LOSS)
        async with runtime.consuming(*subscriptions):
            yield handler


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[ObjectStore]:
    store = open_object_store(await a_store(tmp_path))
    yield store
    assert [key async for key in store.list_keys("originals/")] == [], "no marks of runs are left"
    await store.close()


@pytest.mark.parametrize("losses", [1, LAST])
async def test_closed_connections_are_no_losses_of_an_image_that_is_alone(
    rabbitmq_url: str, store: ObjectStore, losses: int
) -> None:
    command = a_command("healthy", losses)
    await send(rabbitmq_url, command)
    await close_connections(rabbitmq_url, queue_of(command), 12)  # more than the returns that make others suspect
    async with consuming(rabbitmq_url, store) as handler:
        await until(lambda: handler.handled == [command])
    assert await results(rabbitmq_url) == []


async def test_an_image_that_waits_to_be_alone_is_not_lost_with_the_processes_that_others_end(
    rabbitmq_url: str, store: ObjectStore, tmp_path: Path
) -> None:
    bystander = a_command("bystander", LAST)
    await send(rabbitmq_url, a_command("slow", 0), bystander)

    async def waiting(count: int) -> bool:
        both = (Queue.DOWNLOAD, Queue.DOWNLOAD_ALONE)
        return [await waiting_in(rabbitmq_url, queue) for queue in both] == [count, count]

    for _ in range(DEATHS_PER_LOSS + 1):
        async with crashing_downloader(rabbitmq_url, f"file://{tmp_path}"):
            await until(lambda: waiting(0), 30, what="both commands are in the process")
        await until(lambda: waiting(1), 30, what="the return of both")
    async with consuming(rabbitmq_url, store) as handler:
        await until(lambda: bystander in handler.handled)
    assert await results(rabbitmq_url) == []


async def test_a_picture_that_ends_its_process_whenever_it_is_alone_fails(rabbitmq_url: str, tmp_path: Path) -> None:
    store_url = await a_store(tmp_path)
    await send(rabbitmq_url, a_command("fatal", LAST))
    deaths = 0
    while await is_waiting(rabbitmq_url, Queue.RESULTS, 0):
        async with crashing_downloader(rabbitmq_url, store_url) as process:

            async def ended_or_answered(process: asyncio.subprocess.Process = process) -> bool:
                return process.returncode is not None or await is_waiting(rabbitmq_url, Queue.RESULTS, 1)

            await until(ended_or_answered, 30)
            deaths += process.returncode is not None
    [failure] = await results(rabbitmq_url)
    assert isinstance(failure, ImageFailed)
    assert deaths == DEATHS_PER_LOSS
