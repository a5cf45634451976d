"""RabbitMQ for a chaos run: a process of this machine, or a container with another version."""

import asyncio
import signal
import subprocess
from pathlib import Path
from typing import Protocol

from deploy.local.ports import Ports
from deploy.local.rabbitmq import RabbitMQ
from deploy.local.waiting import wait_until

_IMAGE = "rabbitmq:4-management"
_READY_SECONDS = 90
_COMMAND_SECONDS = 60
_SIGNALS = {signal.SIGKILL: "kill", signal.SIGSTOP: "pause", signal.SIGCONT: "unpause"}


class ChaosBroker(Protocol):
    @property
    def url(self) -> str: ...
    async def start(self) -> None: ...
    async def stop(self) -> None: ...
    def control(self, *arguments: str) -> str:
        """See RabbitMQ.control."""

    def signal(self, number: signal.Signals) -> None:
        """SIGKILL, SIGSTOP or SIGCONT."""


class ProcessBroker:
    """The broker of the local stack."""

    def __init__(self, home: Path, ports: Ports) -> None:
        self._broker = RabbitMQ(home, ports)
        self.url = self._broker.url
        self.start = self._broker.start
        self.stop = self._broker.stop
        self.control = self._broker.control

    def signal(self, number: signal.Signals) -> None:
        for process in self._broker.processes():
            if process.name == "rabbitmq":
                process.signal(number)


class ContainerBroker:
    """A container that keeps its data while it is stopped. `remove` ends it."""

    def __init__(self, ports: Ports) -> None:
        self._port = ports["amqp"]
        self._name = f"imagemill-chaos-{self._port}"
        self.url = f"amqp://guest:guest@127.0.0.1:{self._port}/"

    async def start(self) -> None:
        """Start it and wait until it answers. Raises RuntimeError."""
        if self._docker("ps", "--all", "--quiet", "--filter", f"name={self._name}"):
            self._docker("start", self._name)
        else:
            publish = f"127.0.0.1:{self._port}:5672"
            self._docker("run", "--detach", "--name", self._name, "--hostname", "chaos", "--publish", publish, _IMAGE)
        if not await wait_until(self._answers, _READY_SECONDS):
            raise RuntimeError(f"{_IMAGE} did not answer in {_READY_SECONDS} s")

    async def stop(self) -> None:
        await asyncio.to_thread(self._docker, "stop", "--time", "10", self._name)

    def remove(self) -> None:
        self._docker("rm", "--force", self._name)

    def control(self, *arguments: str) -> str:
        return self._docker("exec", self._name, "rabbitmqctl", "--quiet", *arguments)

    def signal(self, number: signal.Signals) -> None:
        self._docker(_SIGNALS[number], self._name)

    def _answers(self) -> bool:
        try:
            self.control("await_startup", "--timeout", "5")
        except subprocess.SubprocessError:
            return False
        return True

    def _docker(self, *arguments: str) -> str:
        found = subprocess.run(
            ["docker", *arguments], capture_output=True, text=True, timeout=_COMMAND_SECONDS, check=True
        )
        return found.stdout
