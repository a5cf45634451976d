"""One service as a process, on servers that the test chooses. Unlike LocalStack it does not wait until it is ready."""

import os
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from deploy.local.processes import Process, spawn
from deploy.local.waiting import wait_until
from shared.storage import open_object_store
from tests.support.tree import ROOT
from tests.support.waiting import until

WEBHOOK_SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"
STOP_SECONDS = 30


class ServiceProcess:
    """A running service. url: of its health endpoints, for the gateway of its API."""

    def __init__(self, process: Process, url: str) -> None:
        self.url = url
        self._process = process
        self._log_start = process.log.stat().st_size

    @property
    def log(self) -> str:
        """What it has logged since it started."""
        return self._process.log.read_bytes()[self._log_start :].decode()

    async def not_ready(self) -> Mapping[str, str] | None:
        """The reason for each dependency that is not ready; None if it does not listen or records none yet."""
        self._process.check()
        try:
            async with httpx.AsyncClient() as http:
                found: dict[str, Any] = (await http.get(f"{self.url}/readyz")).json()
        except httpx.TransportError:
            return None
        return found["not_ready"] if found["ready"] or found["not_ready"] else None

    async def is_ready(self) -> bool:
        return await self.not_ready() == {}

    async def lacks(self, dependency: str) -> bool:
        return dependency in (await self.not_ready() or {})

    async def until_ready(self) -> None:
        await until(self.is_ready, 30, lambda: f"ready; its log:\n{self.log}")

    async def ended(self, within: float) -> int:
        """Wait until it ends by itself. Returns the exit status."""
        return await self._process.ended(within)

    async def lives_for(self, seconds: float) -> bool:
        """Whether it still runs after this time."""
        return not await wait_until(lambda: not self._process.alive, seconds)

    async def stop(self) -> int:
        """Send SIGTERM. Returns the exit status."""
        return await self._process.stop(STOP_SECONDS)

    async def kill(self) -> None:
        """Send SIGKILL."""
        await self._process.ended(0)


@asynccontextmanager
async def open_service(
    name: str, home: Path, settings: Mapping[str, str], launcher: str = ""
) -> AsyncIterator[ServiceProcess]:
    """Start it, with its logs under `home`; kill it at the end if it still runs.

    launcher: the module that starts it, if it is not its own.
    """
    port = str(free_port())
    own = {"GATEWAY_HOST": "127.0.0.1", "GATEWAY_PORT": port, "METRICS_PORT": port, "WEBHOOK_SECRET": WEBHOOK_SECRET}
    environment = {**os.environ, **own, **settings}
    command = [sys.executable, "-m", *([launcher, name] if launcher else [f"services.{name}"])]
    process = spawn(name, command, environment, home, ROOT)
    try:
        yield ServiceProcess(process, f"http://127.0.0.1:{port}")
    finally:
        await process.ended(0)


async def a_store(root: Path) -> str:
    """The URL of a new object store in a directory."""
    store = open_object_store(root.as_uri())
    await store.make()
    await store.close()
    return root.as_uri()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port
