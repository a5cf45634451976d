"""Child processes of a stack: each in its own session, reliably stopped, and found again after a crash."""

import asyncio
import os
import signal
import subprocess
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from deploy.local.waiting import wait_until
from shared.scheduling import do_not_preempt

# Every child inherits this variable, also daemons (epmd) and workers that outlive their parent. It identifies the
# stack's processes reliably, whereas process ids are reused.
MARKER = "IMAGEMILL_LOCAL_HOME"
NAME_MARKER = "IMAGEMILL_LOCAL_PROCESS"
TAIL_LINES = 25


class ProcessDied(Exception):
    """A process of the stack ended, or never became ready; the message holds the end of its log."""


@dataclass(frozen=True)
class Process:
    """One child process; `log` receives its output."""

    name: str
    popen: subprocess.Popen[bytes]
    log: Path

    @property
    def alive(self) -> bool:
        return self.popen.poll() is None

    def signal(self, number: signal.Signals) -> None:
        if self.alive:
            self.popen.send_signal(number)

    async def stop(self, within: float) -> int:
        """Send SIGTERM, then SIGKILL after `within` seconds. Returns the exit status."""
        self.signal(signal.SIGTERM)
        return await self.ended(within)

    async def ended(self, within: float) -> int:
        """Wait for its end; send SIGKILL after `within` seconds. Returns the exit status."""
        if not await wait_until(lambda: not self.alive, within):
            self.signal(signal.SIGKILL)
        return await asyncio.to_thread(self.popen.wait)

    async def ready(self, condition: Callable[[], bool], within: float) -> None:
        """Wait until `condition` holds.

        Raises:
            ProcessDied: the process ended, or `condition` did not hold within `within` seconds.
        """
        came_true = await wait_until(lambda: not self.alive or condition(), within)
        self.check()
        if not came_true:
            raise self._died(f"was not ready in {within:.0f} s")

    def check(self) -> None:
        """Raise ProcessDied if it has ended."""
        if not self.alive:
            raise self._died(f"ended by itself with status {self.popen.returncode}")

    def _died(self, how: str) -> ProcessDied:
        return ProcessDied(f"{self.name} {how}; the end of {self.log}:\n{tail(self.log)}")


def spawn(name: str, command: Sequence[str | Path], env: Mapping[str, str], home: Path, cwd: Path) -> Process:
    """Start `command` as a process of the stack at `home`; append its output to `home`/logs/<name>.log."""
    log = home / "logs" / f"{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        popen = subprocess.Popen(
            command,
            env={**env, MARKER: str(home), NAME_MARKER: name},
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            # Ctrl-C must reach only the supervisor, which then stops the others in order.
            start_new_session=True,
        )
    do_not_preempt(popen.pid)
    return Process(name, popen, log)


def tail(log: Path) -> str:
    """The last lines of a log."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-TAIL_LINES:])


def living(home: Path, but: Collection[str] = ()) -> Iterator[int]:
    """The ids of the stack's running processes, except those spawned under the names in `but`."""
    mark = f"{MARKER}={home}".encode()
    spared = {f"{NAME_MARKER}={name}".encode() for name in but}
    for environ in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            variables = environ.read_bytes().split(b"\0")
            if mark in variables and spared.isdisjoint(variables):
                yield int(environ.parent.name)


async def end_leftovers(home: Path, within: float, but: Collection[str] = ()) -> int:
    """End the stack's remaining processes, with SIGKILL after `within` seconds. Returns how many there were."""
    found = signal_all(home, signal.SIGTERM, but)
    if found and not await wait_until(lambda: not any(living(home, but)), within):
        signal_all(home, signal.SIGKILL, but)
        await wait_until(lambda: not any(living(home, but)), 5)
    return found


def signal_all(home: Path, number: signal.Signals, but: Collection[str] = ()) -> int:
    """Send a signal to every process of the stack at `home`. Returns how many there were."""
    pids = list(living(home, but))
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)
    return len(pids)
