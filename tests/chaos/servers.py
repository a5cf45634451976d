"""RabbitMQ and MongoDB of a chaos run. The services reach them through proxies; the harness reaches them directly."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from deploy.local.mongod import Mongod
from deploy.local.ports import Ports, on_free_ports
from deploy.local.rabbitmq import PORTS as RABBITMQ_PORTS
from deploy.local.servers import prepare
from deploy.local.waiting import together
from tests.chaos.brokers import ChaosBroker, ContainerBroker, ProcessBroker
from tests.chaos.replica_set import PORT_NAMES, ReplicaSet
from tests.support.tcp_proxy import TcpProxy, open_proxy


@dataclass
class ChaosServers:
    """Both servers with their proxies. `*_url` are for the harness, `proxied_*_url` for the services."""

    broker: ChaosBroker
    database: Mongod | ReplicaSet
    broker_proxy: TcpProxy
    database_proxy: TcpProxy | None
    """None for a replica set: its driver finds the members by their own addresses."""

    @property
    def rabbitmq_url(self) -> str:
        return self.broker.url

    @property
    def mongodb_url(self) -> str:
        return self.database.url

    @property
    def proxied_rabbitmq_url(self) -> str:
        return _through(self.broker_proxy, self.broker.url)

    @property
    def proxied_mongodb_url(self) -> str:
        return _through(self.database_proxy, self.database.url) if self.database_proxy else self.database.url

    def signal_database(self, number: signal.Signals) -> None:
        for process in self.database.processes():
            process.signal(number)

    async def restart_broker(self) -> None:
        """Start the broker again; end it first if it still runs."""
        await self.broker.stop()
        await self.broker.start()

    async def restart_database(self) -> None:
        await self.database.stop()
        await self.database.start()

    async def control(self, *arguments: str) -> str:
        """See ChaosBroker.control."""
        return await asyncio.to_thread(self.broker.control, *arguments)


@asynccontextmanager
async def open_servers(home: Path, ports: Ports, *, replica_set: bool, containers: bool) -> AsyncIterator[ChaosServers]:
    """Start both, and stop them at the end."""
    await asyncio.to_thread(prepare)
    broker = ContainerBroker(ports) if containers else ProcessBroker(home, ports)
    database = ReplicaSet(home, ports) if replica_set else Mongod(home, ports)
    database_ports = PORT_NAMES if replica_set else ("mongodb",)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(database.stop)
        if isinstance(broker, ContainerBroker):
            stack.callback(broker.remove)
        stack.push_async_callback(broker.stop)
        await together(
            on_free_ports(ports, RABBITMQ_PORTS, broker.start, broker.stop),
            on_free_ports(ports, database_ports, database.start, database.stop),
        )
        yield ChaosServers(
            broker,
            database,
            await stack.enter_async_context(_proxy(broker.url)),
            None if replica_set else await stack.enter_async_context(_proxy(database.url)),
        )


@asynccontextmanager
async def _proxy(url: str) -> AsyncIterator[TcpProxy]:
    address = urlsplit(url)
    assert address.hostname
    assert address.port
    async with open_proxy(address.hostname, address.port) as proxy:
        yield proxy


def _through(proxy: TcpProxy, url: str) -> str:
    address = urlsplit(url)
    user, at, _ = address.netloc.rpartition("@")
    return address._replace(netloc=f"{user}{at}127.0.0.1:{proxy.port}").geturl()
