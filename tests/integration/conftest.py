"""Fixtures of several files: a gateway for the tests of its API, and a worker's surroundings."""

import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel

from shared.messaging.topology import declare_topology
from tests.support.origin import Origin, open_origin
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


@pytest.fixture
async def origin() -> AsyncIterator[Origin]:
    async with open_origin() as running:
        yield running


@pytest.fixture
async def channel(rabbitmq_url: str) -> AsyncIterator[AbstractChannel]:
    async with await aio_pika.connect(rabbitmq_url) as connection, connection.channel() as opened:
        await declare_topology(opened)
        yield opened
