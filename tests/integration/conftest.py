"""Fixtures of the API's tests."""

import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.support.running_gateway import RESULT_KEY, Gateway, ServerAndClient, a_gateway, a_server_and_client


@pytest.fixture(scope="module")
async def shared_server() -> AsyncIterator[ServerAndClient]:
    async with a_server_and_client() as running:
        yield running


@pytest.fixture
def gateway(shared_server: ServerAndClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gateway]:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    gateway = a_gateway(shared_server, tmp_path)
    yield gateway
    # A gate that a test closed pings until this dependency answers, also during the tests that follow.
    gateway.database.available = gateway.store.available = True


@pytest.fixture
async def picture(gateway: Gateway) -> bytes:
    data = bytes(range(256)) * 40
    await gateway.store.put_bytes(RESULT_KEY, data, "image/jpeg")
    return data
