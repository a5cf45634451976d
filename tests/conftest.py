"""What tests of any kind share: real servers, started once for a run and only if a test asks for one."""

import signal
from collections.abc import AsyncIterator

import pytest
from hypothesis import HealthCheck, settings

from deploy.local.processes import end_leftovers
from deploy.local.servers import Servers
from tests.support.servers import fresh_database, remove_topology, servers_at

_LEFTOVER_SECONDS = 15


def pytest_configure() -> None:
    # Whoever stops a run with SIGTERM, as CI does when time is up, must not leave its servers behind.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # How long an example takes says more about what else the machine is doing.
    settings.register_profile("imagemill", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("imagemill")


@pytest.fixture(scope="session")
async def servers(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Servers]:
    """RabbitMQ and MongoDB, shared by all tests of the run."""
    home = tmp_path_factory.mktemp("servers")
    servers = servers_at(home)
    try:
        await servers.start()
        yield servers
    finally:
        await servers.stop()
        await end_leftovers(home, _LEFTOVER_SECONDS)


@pytest.fixture
async def rabbitmq_url(servers: Servers) -> str:
    """A broker that knows nothing of the house: no queue or exchange of it, so no message of an earlier test."""
    await remove_topology(servers.rabbitmq_url)
    return servers.rabbitmq_url


@pytest.fixture
def mongodb_url(servers: Servers) -> str:
    """A database of the test's own."""
    return fresh_database(servers.mongodb_url)
