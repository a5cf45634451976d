"""Fixtures of all tests: real servers, started once per run and only if a test needs them."""

import signal
from collections.abc import AsyncIterator

import pytest
from hypothesis import HealthCheck, settings

from deploy.local.processes import end_leftovers
from deploy.local.servers import Servers
from tests.support.servers import fresh_database, keep_expired_documents, remove_topology, servers_at

_LEFTOVER_SECONDS = 15


def pytest_configure() -> None:
    # SIGTERM (CI sends it at its time limit) must stop the servers too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # An example's time depends mostly on the load of the machine.
    settings.register_profile("imagemill", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("imagemill")


@pytest.fixture(scope="session")
async def servers(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Servers]:
    """RabbitMQ and MongoDB, shared by all tests of the run."""
    home = tmp_path_factory.mktemp("servers")
    servers = servers_at(home)
    try:
        await servers.start()
        keep_expired_documents(servers.mongodb_url)
        yield servers
    finally:
        await servers.stop()
        await end_leftovers(home, _LEFTOVER_SECONDS)


@pytest.fixture
async def rabbitmq_url(servers: Servers) -> str:
    """A broker without our queues and exchanges, so without messages of earlier tests."""
    await remove_topology(servers.rabbitmq_url)
    return servers.rabbitmq_url


@pytest.fixture
def mongodb_url(servers: Servers) -> str:
    """A new database for the test."""
    return fresh_database(servers.mongodb_url)
