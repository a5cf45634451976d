"""A process with the downloader's subscriptions for image commands, whose handler downloads nothing.

    python -m tests.support.crashing_downloader RABBITMQ_URL OBJECT_STORE_URL

A command whose URL contains "fatal" ends the process; one whose URL contains "slow" is never answered. Commands of
images that lost a worker are consumed only once another command is in progress, if there is one.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

from services.downloader.app import subscription_of
from shared.alone_runs import with_alone_runs
from shared.contracts.messages import DownloadImage
from shared.losses import LossPolicy
from shared.settings import LossSettings
from shared.storage import open_object_store
from tests.support.messaging_runtime import open_runtime
from tests.support.own_process import own_process

DEATHS_PER_LOSS = 2


@asynccontextmanager
async def crashing_downloader(rabbitmq_url: str, store_url: str) -> AsyncIterator[asyncio.subprocess.Process]:
    async with own_process("-m", __name__, rabbitmq_url, store_url) as process:
        yield process


async def _handle(command: DownloadImage) -> Sequence[DownloadImage]:
    if "fatal" in command.url:
        os._exit(9)
    if "slow" in command.url:
        await asyncio.Event().wait()
    return []


async def _run(rabbitmq_url: str, store_url: str) -> None:
    store = open_object_store(store_url)
    losses = LossPolicy(LossSettings(), lambda: 0.0)
    in_progress = asyncio.Event()

    async def handle(command: DownloadImage) -> Sequence[DownloadImage]:
        in_progress.set()
        return await _handle(command)

    shared, alone = with_alone_runs([subscription_of(handle, at_once=4)], store, losses, DEATHS_PER_LOSS)
    async with open_runtime(rabbitmq_url) as runtime, runtime.consuming(shared):
        with suppress(TimeoutError):
            await asyncio.wait_for(in_progress.wait(), 0.5)
        async with runtime.consuming(alone):
            await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_run(*sys.argv[1:]))
