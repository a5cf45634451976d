"""Two copies of each service, restarted by a supervisor when they end, as Docker or Kubernetes would."""

import asyncio
import os
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

from deploy.local.ports import Ports
from deploy.local.processes import Process, spawn, tail
from deploy.local.services import NAMES, TREE
from deploy.local.waiting import wait_until
from tests.chaos.service import CLOCK_AHEAD, LAUNCHER, TASKS_FILE

COPIES = 2
RESTART_SECONDS = 1.0
STOP_SECONDS = 25.0  # longer than DRAIN_TIMEOUT here


@dataclass(frozen=True)
class Ended:
    """A copy that ended although the run neither killed nor stopped it."""

    copy: str
    status: int
    last_line: str


class Copies:
    """Copies are named downloader-0, downloader-1, ..."""

    def __init__(self, home: Path, ports: Ports, environment: Mapping[str, str]) -> None:
        self._home = home
        self._ports = ports
        self._environment = environment
        self._running: dict[str, Process] = {}
        self._held: set[str] = set()
        self._ended_by_us: set[int] = set()
        self.starts = 0
        self.ended: list[Ended] = []

    @property
    def names(self) -> list[str]:
        return [f"{service}-{index}" for service in NAMES for index in range(COPIES)]

    def start(self, copy: str, clock_ahead: float = 0) -> None:
        """Start a copy; it may take long to become ready."""
        service = copy.rpartition("-")[0]
        own = {
            "GATEWAY_PORT": str(self.port(copy)),
            "METRICS_PORT": str(self._ports[f"{copy}-metrics"]),
            TASKS_FILE: str(self.tasks_file(copy)),
            CLOCK_AHEAD: str(clock_ahead),
        }
        command = [sys.executable, *LAUNCHER, service]
        self._running[copy] = spawn(copy, command, {**self._environment, **own}, self._home, TREE)
        self.starts += 1

    def start_all(self) -> None:
        for copy in self.names:
            self.start(copy)

    def port(self, copy: str) -> int:
        return self._ports[copy]

    def tasks_file(self, copy: str) -> Path:
        return self._home / "tasks" / copy

    def gateway_urls(self) -> list[str]:
        return [f"http://localhost:{self.port(copy)}" for copy in self.names if copy.startswith("gateway")]

    def pid(self, copy: str) -> int | None:
        """The process id of a copy that runs."""
        process = self._running.get(copy)
        return process.popen.pid if process and process.alive else None

    async def kill(self, copy: str) -> None:
        """SIGKILL; the copy is not started again before `release`."""
        self._held.add(copy)
        await self._end(copy, signal.SIGKILL, 5)

    async def stop(self, copy: str) -> None:
        """SIGTERM; the copy is not started again before `release`."""
        self._held.add(copy)
        await self._end(copy, signal.SIGTERM, STOP_SECONDS)

    def release(self, copy: str) -> None:
        """Let the supervisor start the copy again."""
        self._held.discard(copy)

    async def replace(self, copy: str, clock_ahead: float) -> None:
        """Stop a copy and start it with another clock."""
        await self.stop(copy)
        self.start(copy, clock_ahead)
        self.release(copy)

    async def supervise(self) -> None:
        """Start copies again that have ended."""
        while True:
            for copy, process in list(self._running.items()):
                if process.alive or copy in self._held:
                    continue
                if process.popen.pid not in self._ended_by_us:
                    status = process.popen.returncode
                    last = tail(process.log).rpartition("\n")[2]
                    self.ended.append(Ended(copy, status, last))
                self.start(copy)
            await asyncio.sleep(RESTART_SECONDS)

    async def stop_all(self) -> dict[str, int]:
        """Stop all copies in order. Returns the exit status of each."""
        self._held.update(self.names)
        statuses = await asyncio.gather(*(self._end(copy, signal.SIGTERM, STOP_SECONDS) for copy in self.names))
        return dict(zip(self.names, statuses, strict=True))

    async def _end(self, copy: str, number: signal.Signals, within: float) -> int:
        process = self._running[copy]
        self._ended_by_us.add(process.popen.pid)
        process.signal(number)
        if not await wait_until(lambda: not process.alive, within):
            process.signal(signal.SIGKILL)
        return await asyncio.to_thread(process.popen.wait)

    async def unready(self) -> list[str]:
        """The copies that are not ready, with the reason."""
        async with httpx.AsyncClient(timeout=5) as client:
            answers = await asyncio.gather(*(self._readiness(client, copy) for copy in self.names))
        return [answer for answer in answers if answer]

    async def _readiness(self, client: httpx.AsyncClient, copy: str) -> str | None:
        port = self.port(copy) if copy.startswith("gateway") else self._ports[f"{copy}-metrics"]
        try:
            answer = await client.get(f"http://127.0.0.1:{port}/readyz")
        except httpx.HTTPError as error:
            return f"{copy}: {error!r}"
        return None if answer.status_code == 200 else f"{copy}: {answer.text[:200]}"


def descendants(pid: int) -> Iterator[int]:
    """The ids of all processes that a process has started, directly or not."""
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                yield int(child)
                yield from descendants(int(child))


def encoders(pid: int) -> list[int]:
    """The ids of a compressor's worker processes."""
    found = []
    for child in descendants(pid):
        with suppress(OSError):
            command = Path(f"/proc/{child}/cmdline").read_bytes()
            if b"resource_tracker" not in command and b"forkserver" not in command:
                found.append(child)
    return found


def signal_quietly(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)
