"""Fixtures of the API's tests."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from prometheus_client import CollectorRegistry

from services.gateway.web import HttpServer
from shared.observability import Health, HealthEndpoints
from tests.fakes import MemoryDatabase, MemoryObjectStore, MovableClock
from tests.support.builders import NOW
from tests.support.running_gateway import RESULT_KEY, Gateway, a_server, an_app


@pytest.fixture(scope="module")
async def shared_server() -> AsyncIterator[tuple[HttpServer, int, httpx.AsyncClient]]:
    """One server for all tests, since starting it is slow; each test installs its own app."""
    async with (
        a_server(HealthEndpoints(Health(), CollectorRegistry())) as (server, port),
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=10) as http,
    ):
        yield server, port, http


@pytest.fixture
def gateway(
    shared_server: tuple[HttpServer, int, httpx.AsyncClient], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Gateway:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    server, port, http = shared_server
    clock = MovableClock(NOW)
    gateway = Gateway(
        http=http,
        server=server,
        port=port,
        store=MemoryObjectStore(clock),
        database=MemoryDatabase(clock),
        intake_opened=asyncio.Event(),
        health=Health(),
        registry=CollectorRegistry(),
        spool=tmp_path,
    )
    server.app = an_app(gateway, clock)
    return gateway


@pytest.fixture
async def picture(gateway: Gateway) -> bytes:
    data = bytes(range(256)) * 40
    await gateway.store.put_bytes(RESULT_KEY, data, "image/jpeg")
    return data
