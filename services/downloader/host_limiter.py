"""Bounds the concurrent requests of this process to one host.

The dispatcher bounds the downloads from each host over all downloaders. This bound is for what it cannot count: probes,
and hosts to which others redirect.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from shared.long_lived import moving


@dataclass(slots=True)
class _Host:
    permits: asyncio.Semaphore
    users: int = 0


@dataclass(slots=True)
class HostLimiter:
    """At most `per_host` concurrent requests to one host. Further ones wait, in order of arrival."""

    per_host: int
    _hosts: dict[str, _Host] = field(default_factory=dict)

    @asynccontextmanager
    async def permit(self, name: str) -> AsyncIterator[None]:
        """Hold one of the host's permits."""
        host = self._hosts.get(name) or self._hosts.setdefault(name, _Host(asyncio.Semaphore(self.per_host)))
        host.users += 1
        try:
            await _acquire(host.permits)
            try:
                yield
            finally:
                host.permits.release()
        finally:
            host.users -= 1
            if not host.users:
                self._hosts.pop(name, None)

    def __len__(self) -> int:
        """The number of hosts in memory."""
        return len(self._hosts)


async def _acquire(permits: asyncio.Semaphore) -> None:
    if permits.locked():
        with moving():  # the requests before it end in time
            await permits.acquire()
    else:
        await permits.acquire()
