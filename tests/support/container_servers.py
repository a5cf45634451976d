"""The servers of a stack in containers, from the images in docker-compose.yml."""

import asyncio
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from pymongo import MongoClient
from pymongo.errors import PyMongoError
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer

from deploy.local.ports import Ports
from deploy.local.processes import Process
from deploy.local.waiting import together, wait_until

_READY_SECONDS = 40
_ATTEMPTS = 3
_STOP_SECONDS = 1  # then SIGKILL: an outage must begin when the test wants it
_BUCKET = "imagemill"
_S3_USER = "imagemill"
_S3_PASSWORD = "development"


class NotReady(Exception):
    """A container did not become ready in time; the message holds its log."""


class ContainerServers:
    """Implements deploy.local.servers.Servers; its object store is S3, at `object_store_url`."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._containers: dict[str, DockerContainer] = {}

    @property
    def rabbitmq_url(self) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self._ports['amqp']}/"

    @property
    def mongodb_url(self) -> str:
        return f"mongodb://127.0.0.1:{self._ports['mongodb']}/imagemill?directConnection=true"

    @property
    def object_store_url(self) -> str:
        return f"s3://{_S3_USER}:{_S3_PASSWORD}@127.0.0.1:{self._ports['s3']}/{_BUCKET}?secure=0"

    def processes(self) -> Sequence[Process]:
        return ()

    async def start(self) -> None:
        """Start all three and wait until they are ready.

        Raises:
            NotReady: one took too long.
            docker.errors.DockerException: there is no Docker engine, or it cannot run an image.
        """
        # This class removes the containers itself; testcontainers' reaper would need another image.
        testcontainers_config.ryuk_disabled = True
        await together(
            self._start("amqp", _broker, 5672, self._broker_answers),
            self._start("mongodb", _database, 27017, self._is_primary),
            self._start("s3", _object_store, 8333, self._store_answers),
        )

    async def stop(self) -> None:
        """Remove the containers with their data."""
        await together(*(asyncio.to_thread(container.stop) for container in self._containers.values()))
        self._containers.clear()

    async def start_broker(self) -> None:
        """Start the broker again at the same address. Raises NotReady if it takes too long."""
        await self._start_again("amqp", self._broker_answers)

    async def stop_broker(self) -> None:
        await self._halt("amqp")

    async def start_database(self) -> None:
        """Start the database again at the same address. Raises NotReady if it takes too long."""
        await self._start_again("mongodb", self._is_primary)

    async def stop_database(self) -> None:
        await self._halt("mongodb")

    async def _start_again(self, name: str, is_ready: Callable[[], bool]) -> None:
        container = self._containers[name]
        await asyncio.to_thread(container.get_wrapped_container().start)
        if not await wait_until(is_ready, _READY_SECONDS):
            raise _not_ready(name, container)

    async def _halt(self, name: str) -> None:
        await asyncio.to_thread(self._containers[name].get_wrapped_container().stop, timeout=_STOP_SECONDS)

    async def control_broker(self, *arguments: str) -> str:
        """What rabbitmqctl prints for these arguments."""
        command = ["rabbitmqctl", "--quiet", *arguments]
        code, output = await asyncio.to_thread(self._containers["amqp"].exec, command)
        assert code == 0, output
        return str(output.decode())

    async def _start(
        self, name: str, make: Callable[[], DockerContainer], port: int, is_ready: Callable[[], bool]
    ) -> None:
        # A restarted server must have the same address, so we choose its published port.
        ours: Any = ("127.0.0.1", self._ports.free(name))
        for attempt in range(1, _ATTEMPTS + 1):  # sometimes a server hangs when it starts
            container = self._containers[name] = make()
            container.ports[str(port)] = ours
            await asyncio.to_thread(container.start)
            if await wait_until(is_ready, _READY_SECONDS):
                return
            if attempt == _ATTEMPTS:
                raise _not_ready(name, container)
            await asyncio.to_thread(container.stop)

    def _broker_answers(self) -> bool:
        """Whether the server answers a protocol header with a method frame (Connection.Start)."""
        return self._answer("amqp", b"AMQP\0\0\x09\x01").startswith(b"\x01")

    def _store_answers(self) -> bool:
        """Whether the bucket exists (it is created last): an anonymous request then gets 403 instead of 404."""
        answer = self._answer("s3", f"HEAD /{_BUCKET} HTTP/1.0\r\n\r\n".encode())
        return answer.partition(b" ")[2].startswith((b"200", b"403"))

    def _answer(self, name: str, question: bytes) -> bytes:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self._ports[name]), timeout=2) as connection:
            connection.sendall(question)
            return connection.recv(64)
        return b""

    def _is_primary(self) -> bool:
        member = {"_id": 0, "host": "127.0.0.1:27017"}
        with (
            suppress(PyMongoError),
            MongoClient[dict[str, Any]](self.mongodb_url, serverSelectionTimeoutMS=1_000) as client,
        ):
            with suppress(PyMongoError):  # it exists already
                client.admin.command("replSetInitiate", {"_id": "rs0", "members": [member]})
            return bool(client.admin.command("hello")["isWritablePrimary"])
        return False


def _not_ready(name: str, container: DockerContainer) -> NotReady:
    logs = b"\n".join(container.get_logs()).decode(errors="replace")
    return NotReady(f"{name} was not ready in {_READY_SECONDS} s:\n{logs}")


def _broker() -> DockerContainer:
    return DockerContainer("rabbitmq:4-management")


def _database() -> DockerContainer:
    return DockerContainer("mongo:8").with_command(
        ["mongod", "--replSet", "rs0", "--bind_ip_all", "--wiredTigerCacheSizeGB", "0.25"]
    )


def _object_store() -> DockerContainer:
    keys = {"AWS_ACCESS_KEY_ID": _S3_USER, "AWS_SECRET_ACCESS_KEY": _S3_PASSWORD, "S3_BUCKET": _BUCKET}
    return DockerContainer("chrislusf/seaweedfs:4.47", env=keys).with_command(
        ["mini", "-dir=/data", f"-bucket={_BUCKET}"]
    )
