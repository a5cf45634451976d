"""The whole stack for end-to-end tests: four services as processes against real servers, an origin, a receiver."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from deploy.local.stack import LocalStack
from tests.support.collecting_receiver import CollectingReceiver, open_receiver
from tests.support.origin import Origin, open_origin
from tests.support.servers import servers_at
from tests.support.stack import StackClient
from tests.support.subscriber import Subscriber, open_subscriber

SETTINGS = {
    "FETCH_ALLOW_NETWORKS": "127.0.0.0/8",
    "WEBHOOK_ALLOW_NETWORKS": "127.0.0.0/8",
    "FETCH_RETRY_SCHEDULE": "[0.2, 0.4, 0.8]",
    "FETCH_ATTEMPTS": "4",
    "LOSS_RETRY_SCHEDULE": "[0.2, 0.4]",
    "WEBHOOK_SCHEDULE": "[0.3, 0.6, 1]",
    "SWEEP_INTERVAL": "1",
    "DRAIN_TIMEOUT": "10",
}
"""Short waits; every other setting has its default."""


@pytest.fixture(scope="session")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[LocalStack]:
    home: Path = tmp_path_factory.mktemp("stack")
    async with LocalStack(home, SETTINGS, servers_at(home)) as running:
        yield running


@pytest.fixture(scope="session")
async def client(stack: LocalStack) -> AsyncIterator[StackClient]:
    async with httpx.AsyncClient(base_url=stack.gateway_url, timeout=30) as http:
        yield StackClient(http)


@pytest.fixture
async def origin() -> AsyncIterator[Origin]:
    async with open_origin() as running:
        yield running


@pytest.fixture
async def receiver() -> AsyncIterator[CollectingReceiver]:
    async with open_receiver() as running:
        yield running


@pytest.fixture
async def subscriber(stack: LocalStack) -> AsyncIterator[Subscriber]:
    async with open_subscriber(stack.servers.rabbitmq_url) as running:
        yield running
