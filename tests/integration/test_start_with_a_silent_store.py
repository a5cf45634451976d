"""Services that start while their object store accepts connections and never answers are unready."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

import pytest

from deploy.local.services import NAMES
from tests.support.service_process import ServiceProcess, open_service
from tests.support.waiting import until

CONSUMED = {
    "downloader": {"consuming imagemill.download", "consuming imagemill.probe"},
    "compressor": {"consuming imagemill.compress"},
    "aggregator": {"consuming imagemill.results", "consuming imagemill.finish"},
    "gateway": set(),
}


@pytest.fixture
async def silent_store() -> AsyncIterator[str]:
    never = asyncio.Event()

    async def accept(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await never.wait()
        writer.close()

    async with await asyncio.start_server(accept, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        yield f"s3://key:secret@127.0.0.1:{port}/bucket?secure=0&region=x"
        never.set()


@pytest.fixture
async def services(
    rabbitmq_url: str, mongodb_url: str, silent_store: str, tmp_path: Path
) -> AsyncIterator[dict[str, ServiceProcess]]:
    settings = {
        "RABBITMQ_URL": rabbitmq_url,
        "MONGODB_URL": mongodb_url,
        "OBJECT_STORE_URL": silent_store,
        "TMPDIR": str(tmp_path),
    }
    async with AsyncExitStack() as stack:
        yield {name: await stack.enter_async_context(open_service(name, tmp_path / "logs", settings)) for name in NAMES}


async def test_a_service_is_unready_while_its_first_call_of_the_store_hangs(
    services: dict[str, ServiceProcess],
) -> None:
    for name, service in services.items():
        await until(partial(service.lacks, "storage"), 30, f"{name} is unready")
        lacking = await service.not_ready() or {}
        assert lacking["storage"] == "not checked yet"
        assert lacking.keys() >= CONSUMED[name]
