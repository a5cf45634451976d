"""TCP ports of one stack: chosen once, stored in a file, reused by later runs."""

import errno
import json
import secrets
import socket
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from deploy.local.files import replace
from deploy.local.processes import ProcessDied

LOWEST = 20_000
EPHEMERAL_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
ATTEMPTS = 3


class PortTaken(Exception):
    """The port that the caller demanded is not available."""

    def __init__(self, port: int) -> None:
        also = ", or only root may use it" if port < 1024 else ""
        super().__init__(f"port {port} is taken by another program{also}")
        self.port = port


class Ports:
    """The ports of one stack by the name of their user. Two checkouts get different ports and can run side by side."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._kept = self._read()
        self._demanded: dict[str, int] = {}

    def __getitem__(self, name: str) -> int:
        """The port of `name`; chosen now if there is none yet."""
        if name in self._demanded:
            return self._demanded[name]
        return self._kept[name] if name in self._kept else self._choose(name)

    def demand(self, name: str, port: int) -> None:
        """Use exactly this port for `name` in this run."""
        self._demanded[name] = port

    def free(self, name: str) -> int:
        """The port of `name` if it is free, else a new one, which is stored.

        Raises:
            PortTaken: the port was demanded and is not free.
        """
        if is_free(self[name]):
            return self[name]
        if name in self._demanded:
            raise PortTaken(self[name])
        return self._choose(name)

    def _choose(self, name: str) -> int:
        others = self._read() | self._kept
        chosen = next(port for port in iter(_candidate, None) if port not in others.values() and is_free(port))
        self._kept = others | {name: chosen}
        replace(self._file, json.dumps(self._kept, indent=2) + "\n")
        return chosen

    def _read(self) -> dict[str, int]:
        return json.loads(self._file.read_text()) if self._file.exists() else {}


async def on_free_ports(
    ports: Ports, names: Sequence[str], start: Callable[[], Awaitable[None]], stop: Callable[[], Awaitable[None]]
) -> None:
    """Run `start` with free ports for `names`. Retry with other ports if one was taken before `start` bound it."""
    for attempt in range(1, ATTEMPTS + 1):
        for name in names:
            ports.free(name)
        try:
            await start()
        except ProcessDied:
            await stop()
            if attempt == ATTEMPTS or all(is_free(ports[name]) for name in names):
                raise
        else:
            return


def is_free(port: int) -> bool:
    """Whether `port` is free on the loopback interface, for every address of "localhost"."""
    return _can_listen(socket.AF_INET, "127.0.0.1", port) and _can_listen(socket.AF_INET6, "::1", port)


def _can_listen(family: socket.AddressFamily, host: str, port: int) -> bool:
    try:
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
            probe.listen(1)
    except OSError as error:
        # The machine may have no IPv6.
        return error.errno in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL)
    return True


def _candidate() -> int:
    # Below the kernel's range for outgoing connections: while a server restarts, a client that reconnects could
    # otherwise get that very port, connect to itself and block the server.
    return LOWEST + secrets.randbelow(_ephemeral_start() - LOWEST)


def _ephemeral_start() -> int:
    try:
        start = int(EPHEMERAL_RANGE.read_text().split()[0])
    except (OSError, ValueError):
        start = 0
    return start if start > LOWEST + 1_000 else 32_768
