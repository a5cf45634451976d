"""Fixtures of the browser's tests: a gateway on the loopback, and one browser for all tests."""

import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.support.chromium import Chromium, a_chromium
from tests.support.received_forms import ReceivedForms
from tests.support.running_gateway import Gateway, ServerAndClient, a_gateway, a_server_and_client


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    with a_chromium(tmp_path_factory.mktemp("chromium")) as running:
        yield running


@pytest.fixture(scope="module")
async def shared_server() -> AsyncIterator[ServerAndClient]:
    async with a_server_and_client() as running:
        yield running


@pytest.fixture
def gateway(shared_server: ServerAndClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Gateway:
    spool = tmp_path / "spool"
    spool.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(spool))
    return a_gateway(shared_server, spool)


@pytest.fixture
def received(gateway: Gateway) -> ReceivedForms:
    received = ReceivedForms(gateway.server.app)
    gateway.server.app = received
    return received
