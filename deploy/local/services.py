"""The four services as processes, each in any number of copies."""

import signal
import sys
from collections.abc import Mapping
from contextlib import closing, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from deploy.local.ports import Ports, on_free_ports
from deploy.local.processes import Process, spawn
from deploy.local.waiting import together

TREE = Path(__file__).parents[2]
NAMES = ("gateway", "downloader", "compressor", "aggregator")
EVERY_ADDRESS = ("0.0.0.0", "::")  # noqa: S104 - compared with, not bound
START_SECONDS = 60
STOP_SECONDS = 45  # longer than DRAIN_TIMEOUT by default


class Services:
    """Copies of the services, each identified by its service's name and an index."""

    def __init__(self, home: Path, ports: Ports, environment: Mapping[str, str]) -> None:
        self._home = home
        self._ports = ports
        self._environment = environment
        self._running: dict[str, Process] = {}

    def processes(self) -> list[Process]:
        return list(self._running.values())

    async def start_all(self) -> None:
        await together(*(self.start(name) for name in NAMES))

    async def stop_all(self) -> None:
        await together(*(self._stop(copy) for copy in list(self._running)))

    async def start(self, name: str, index: int = 0) -> None:
        """Start one copy and wait until it is ready.

        Raises:
            ProcessDied: it ended or did not become ready.
            PortTaken: another program listens on the gateway's port.
        """
        copy = f"{name}-{index}"
        ports = [copy, f"{copy}-metrics"]

        async def start() -> None:
            await self._start(name, copy)

        async def stop() -> None:
            await self._stop(copy)

        await on_free_ports(self._ports, ports, start, stop)

    async def stop(self, name: str, index: int = 0) -> int:
        """Drain one copy (SIGTERM). Returns its exit status."""
        return await self._stop(f"{name}-{index}")

    async def kill(self, name: str, number: signal.Signals = signal.SIGKILL, index: int = 0) -> None:
        """End one copy with a signal and wait for its end."""
        process = self._running.pop(f"{name}-{index}")
        process.signal(number)
        await process.ended(STOP_SECONDS)

    async def _start(self, name: str, copy: str) -> None:
        own = {"GATEWAY_PORT": str(self._ports[copy]), "METRICS_PORT": str(self._ports[f"{copy}-metrics"])}
        command = [sys.executable, "-m", f"services.{name}"]
        process = self._running[copy] = spawn(copy, command, {**self._environment, **own}, self._home, TREE)
        address = ("127.0.0.1", own["METRICS_PORT"])
        if name == "gateway":
            host = self._environment["GATEWAY_HOST"]
            address = ("127.0.0.1" if host in EVERY_ADDRESS else host, own["GATEWAY_PORT"])
        await process.ready(lambda: _is_ready(*address), START_SECONDS)

    async def _stop(self, copy: str) -> int:
        process = self._running.pop(copy)
        return await process.stop(STOP_SECONDS)


def _is_ready(host: str, port: str) -> bool:
    with suppress(OSError, HTTPException), closing(HTTPConnection(host, int(port), timeout=5)) as connection:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    return False
