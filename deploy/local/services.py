"""The four services as processes, each in any number of copies."""

import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from deploy.local.ports import Ports, on_free_ports
from deploy.local.processes import Process, spawn
from deploy.local.waiting import together, wait_until

TREE = Path(__file__).parents[2]
NAMES = ("gateway", "downloader", "compressor", "aggregator")
EVERY_ADDRESS = ("0.0.0.0", "::")  # noqa: S104 - compared with, not bound
START_SECONDS = 60
STOP_SECONDS = 45  # longer than DRAIN_TIMEOUT by default


class Services:
    """Copies of the services, each identified by its service's name and an index."""

    def __init__(self, home: Path, ports: Ports, environment: Mapping[str, str], copies: int = 1) -> None:
        """`copies`: how many of each service `start_all` starts."""
        self._home = home
        self._ports = ports
        self._environment = environment
        self._copies = copies
        self._running: dict[str, Process] = {}

    def processes(self) -> list[Process]:
        return list(self._running.values())

    async def start_all(self) -> None:
        await together(*(self.start(name, index) for name in NAMES for index in range(self._copies)))

    async def stop_all(self) -> None:
        await together(*(self._stop(copy) for copy in list(self._running)))

    async def start(self, name: str, index: int = 0, launcher: Sequence[str] = ()) -> None:
        """Start one copy and wait until it is ready.

        launcher: what Python runs instead of the service's module; the service's name follows it.

        Raises:
            ProcessDied: it ended or did not become ready.
            PortTaken: another program listens on the gateway's port.
        """
        copy = f"{name}-{index}"
        ports = [copy, f"{copy}-metrics"]

        async def start() -> None:
            await self._start(name, copy, [*launcher, name] if launcher else ["-m", f"services.{name}"])

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

    async def ended(self, name: str, index: int = 0, within: float = STOP_SECONDS) -> int:
        """Wait until one copy has ended by itself. Returns its exit status.

        Raises:
            TimeoutError: it still runs after `within` seconds.
        """
        process = self._running[f"{name}-{index}"]
        if not await wait_until(lambda: not process.alive, within):
            raise TimeoutError(f"{process.name} still runs after {within:.0f} s")
        del self._running[process.name]
        return await process.ended(0)

    async def _start(self, name: str, copy: str, arguments: Sequence[str]) -> None:
        own = {"GATEWAY_PORT": str(self._ports[copy]), "METRICS_PORT": str(self._ports[f"{copy}-metrics"])}
        command = [sys.executable, *arguments]
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
