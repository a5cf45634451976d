"""Broker, database and object store as private processes and a folder, behind a protocol that tests implement too."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from deploy.local.mongod import Mongod, find_mongod
from deploy.local.ports import Ports, on_free_ports
from deploy.local.processes import Process
from deploy.local.rabbitmq import PORTS as RABBITMQ_PORTS
from deploy.local.rabbitmq import RabbitMQ, find_server
from deploy.local.waiting import together

SERVER_NAMES = ("epmd", "rabbitmq", "mongodb")  # of the processes


class Servers(Protocol):
    """Where RabbitMQ, MongoDB and the object store are.

    The URLs are valid after `start` and stay valid through `stop_broker` and `stop_database`.
    """

    @property
    def rabbitmq_url(self) -> str: ...
    @property
    def mongodb_url(self) -> str: ...
    @property
    def object_store_url(self) -> str: ...
    async def start(self) -> None: ...
    async def stop(self) -> None: ...
    async def start_broker(self) -> None: ...
    async def stop_broker(self) -> None: ...
    async def start_database(self) -> None: ...
    async def stop_database(self) -> None: ...

    async def control_broker(self, *arguments: str) -> str:
        """What rabbitmqctl prints for these arguments."""
        ...

    def processes(self) -> Sequence[Process]:
        """Our processes that must not end; none if the servers run elsewhere."""
        ...


def prepare() -> None:
    """Install what this machine lacks. This may take a minute and ask for a password.

    Raises:
        Missing: something cannot be installed.
    """
    find_server()
    find_mongod()


class PrivateServers:
    """RabbitMQ and MongoDB as child processes, and all data under `home`."""

    def __init__(self, home: Path, ports: Ports) -> None:
        self._home = home
        self._ports = ports
        self._broker = RabbitMQ(home, ports)
        self._database = Mongod(home, ports)

    @property
    def rabbitmq_url(self) -> str:
        return self._broker.url

    @property
    def mongodb_url(self) -> str:
        return self._database.url

    @property
    def object_store_url(self) -> str:
        return (self._home / "objects").as_uri()

    def processes(self) -> Sequence[Process]:
        return [*self._broker.processes(), *self._database.processes()]

    async def start(self) -> None:
        """Start both.

        Raises:
            Missing: a server is missing and cannot be installed.
            ProcessDied: a server ended or did not become ready.
        """
        await asyncio.to_thread(prepare)
        await together(
            on_free_ports(self._ports, RABBITMQ_PORTS, self._broker.start, self._broker.stop),
            on_free_ports(self._ports, ["mongodb"], self._database.start, self._database.stop),
        )

    async def stop(self) -> None:
        await together(self._broker.stop(), self._database.stop())

    async def start_broker(self) -> None:
        """Start the broker again at the same address."""
        await self._broker.start()

    async def stop_broker(self) -> None:
        await self._broker.stop()

    async def start_database(self) -> None:
        """Start the database again at the same address."""
        await self._database.start()

    async def stop_database(self) -> None:
        await self._database.stop()

    async def control_broker(self, *arguments: str) -> str:
        """See RabbitMQ.control."""
        return await asyncio.to_thread(self._broker.control, *arguments)
