"""Services that start before their directories are mounted wait, unready, write nothing there, and then go on."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest

from deploy.local.services import NAMES
from tests.support.running_gateway import CSV, problem
from tests.support.service_process import ServiceProcess, a_store, open_service
from tests.support.tree import ROOT
from tests.support.waiting import until


@pytest.fixture
async def services(rabbitmq_url: str, mongodb_url: str, tmp_path: Path) -> AsyncIterator[dict[str, ServiceProcess]]:
    """All four, without a directory for temporary files and with an empty mount point for the store."""
    (tmp_path / "mount").mkdir()
    settings = {
        "RABBITMQ_URL": rabbitmq_url,
        "MONGODB_URL": mongodb_url,
        "OBJECT_STORE_URL": (tmp_path / "mount" / "store").as_uri(),
        "TMPDIR": str(tmp_path / "tmp"),
    }
    async with AsyncExitStack() as stack:
        yield {name: await stack.enter_async_context(open_service(name, tmp_path / "logs", settings)) for name in NAMES}


async def reason(service: ServiceProcess, dependency: str) -> str:
    await until(lambda: service.lacks(dependency), 60, lambda: f"unready without {dependency}\n{service.log}")
    return (await service.not_ready() or {})[dependency]


async def test_services_wait_for_the_disk_and_the_store_and_go_on_by_themselves(
    services: dict[str, ServiceProcess], tmp_path: Path
) -> None:
    assert ROOT not in tmp_path.parents
    for service in services.values():
        assert "No such file or directory" in await reason(service, "disk")
    await asyncio.to_thread((tmp_path / "tmp").mkdir)
    for service in services.values():
        assert "is its disk mounted?" in await reason(service, "storage")
        assert "imagemill-admin init-store" in service.log

    async with httpx.AsyncClient(base_url=services["gateway"].url, timeout=20) as gateway:
        problem(await gateway.post("/upload", files={"file": CSV}), 503)
        problem(await gateway.get("/results/01ARZ3NDEKTSV4RRFFQ69G5FAV/published.jpg"), 503)
        assert not any((tmp_path / "mount").iterdir())

        await a_store(tmp_path / "disk" / "store")
        await asyncio.to_thread(mount, tmp_path)
        await asyncio.gather(*(service.until_ready() for service in services.values()))
        assert (await gateway.post("/upload", files={"file": CSV})).status_code == 202


def mount(tmp_path: Path) -> None:
    (tmp_path / "mount").rmdir()
    (tmp_path / "disk").rename(tmp_path / "mount")
