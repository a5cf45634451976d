"""A private RabbitMQ node: own name, data, log, ports and epmd, on the loopback interface only."""

import os
import secrets
import shutil
import socket
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from deploy.local.files import PRIVATE, replace
from deploy.local.packages import Missing, install
from deploy.local.ports import Ports
from deploy.local.processes import Process, spawn

# Debian's wrapper on the PATH requires the user rabbitmq; this script runs as any user.
SERVER_SCRIPT = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
# Each stack has its own epmd, so all can use this name. An address needs no entry in /etc/hosts.
NODE = "imagemill@127.0.0.1"
START_SECONDS = 90
STOP_SECONDS = 30
CONTROL_SECONDS = 30
PORTS = ("amqp", "erlang-distribution", "epmd")

CONFIGURATION = """\
listeners.tcp.local = 127.0.0.1:{port}
log.file = false
log.console = true
log.console.level = warning
raft.wal_max_size_bytes = 67108864
"""


def find_server() -> Path:
    """The server's start script. Installs the server if it is missing.

    Raises:
        Missing: it cannot be installed.
    """
    if found := _present():
        return found
    install("rabbitmq-server")
    if found := _present():
        return found
    raise Missing("rabbitmq-server is installed, but not where Debian installs it")


def _present() -> Path | None:
    if SERVER_SCRIPT.exists():
        return SERVER_SCRIPT
    on_path = shutil.which("rabbitmq-server")
    return Path(on_path).resolve() if on_path else None


class RabbitMQ:
    """One node that keeps its data in `home`/rabbitmq."""

    def __init__(self, home: Path, ports: Ports) -> None:
        self._home = home
        self._folder = home / "rabbitmq"
        self._ports = ports
        self._epmd: Process | None = None
        self._node: Process | None = None

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self._ports['amqp']}/"

    def processes(self) -> list[Process]:
        return [process for process in (self._epmd, self._node) if process]

    async def start(self) -> None:
        """Start the node and wait until it answers AMQP.

        Raises:
            ProcessDied: it ended, or did not become ready in time.
        """
        env = self._environment()
        self._configure()
        # Erlang would start epmd as a daemon and leave it behind.
        epmd: list[str | Path] = [_epmd(), "-port", env["ERL_EPMD_PORT"], "-address", "127.0.0.1"]
        self._epmd = spawn("epmd", epmd, env, self._home, self._folder)
        await self._epmd.ready(lambda: _listens(self._ports["epmd"]), START_SECONDS)
        self._node = spawn("rabbitmq", [find_server()], env, self._home, self._folder)
        await self._node.ready(lambda: _speaks_amqp(self._ports["amqp"]), START_SECONDS)

    def control(self, *arguments: str) -> str:
        """What rabbitmqctl prints for these arguments.

        Raises:
            subprocess.SubprocessError: it failed, or the node did not answer in time.
        """
        command: list[str | Path] = [find_server().with_name("rabbitmqctl"), "--quiet", *arguments]
        found = subprocess.run(
            command, env=self._environment(), capture_output=True, text=True, timeout=CONTROL_SECONDS, check=True
        )
        return found.stdout

    async def stop(self) -> None:
        """Stop the node, then its epmd."""
        # From here on its end is expected.
        node, epmd, self._node, self._epmd = self._node, self._epmd, None, None
        if node:
            await node.stop(STOP_SECONDS)
        if epmd:
            await epmd.stop(STOP_SECONDS)

    def _configure(self) -> None:
        replace(self._folder / "rabbitmq.conf", CONFIGURATION.format(port=self._ports["amqp"]))
        replace(self._folder / "enabled_plugins", "[].\n")
        cookie = self._folder / ".erlang.cookie"
        if not cookie.exists():
            replace(cookie, secrets.token_hex(16), PRIVATE)

    def _environment(self) -> Mapping[str, str]:
        folder = self._folder
        foreign = ("RABBITMQ_", "ERL_")  # settings of the machine's own RabbitMQ must not apply here
        return {name: value for name, value in os.environ.items() if not name.startswith(foreign)} | {
            "HOME": str(folder),  # Erlang reads its cookie from here
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(self._ports["epmd"]),
            "RABBITMQ_CONF_ENV_FILE": os.devnull,
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "RABBITMQ_DIST_PORT": str(self._ports["erlang-distribution"]),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_MNESIA_BASE": str(folder / "data"),
            "RABBITMQ_NODENAME": NODE,
            "RABBITMQ_USE_LONGNAME": "true",
            "RABBITMQ_PID_FILE": str(folder / "pid"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            "RUNNING_UNDER_SYSTEMD": "true",  # exec the node, without a shell in between
        }


def _epmd() -> Path:
    if on_path := shutil.which("epmd"):
        return Path(on_path)
    for found in Path("/usr/lib/erlang").glob("erts-*/bin/epmd"):
        return found
    raise Missing("Erlang's epmd is not on the PATH; install the package erlang-base")


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def _speaks_amqp(port: int) -> bool:
    """Whether the server answers a protocol header with a method frame (Connection.Start)."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
        connection.sendall(b"AMQP\0\0\x09\x01")
        return connection.recv(1) == b"\x01"
    return False
