"""So that no host is overrun, and no host's slowness holds up the images of others."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass


class HostBusy(Exception):
    """The host has as many requests as it may have, and none of them ended in time."""


@dataclass(slots=True)
class _Host:
    free: asyncio.Semaphore
    users: int = 0


class HostLimiter:
    """At most `per_host` requests at a time to one host; a further one waits `wait` seconds, then gives up.

    Hosts are forgotten as soon as nobody asks for them.
    """

    def __init__(self, per_host: int, wait: float) -> None:
        self._per_host = per_host
        self._wait = wait
        self._hosts: dict[str, _Host] = {}

    @asynccontextmanager
    async def slot(self, name: str) -> AsyncIterator[None]:
        """One of the host's slots, first come, first served. Raises HostBusy."""
        host = self._hosts.setdefault(name, _Host(asyncio.Semaphore(self._per_host)))
        host.users += 1
        try:
            await self._acquire(host)
            try:
                yield
            finally:
                host.free.release()
        finally:
            host.users -= 1
            if not host.users:
                del self._hosts[name]

    async def _acquire(self, host: _Host) -> None:
        try:
            async with asyncio.timeout(self._wait):
                await host.free.acquire()
        except TimeoutError:
            raise HostBusy("host busy") from None

    def __len__(self) -> int:
        """How many hosts are known."""
        return len(self._hosts)
