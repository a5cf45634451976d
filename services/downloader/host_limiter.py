"""Limits requests per host, so that no host is overloaded and a slow host does not delay the images of others."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

BURST_SECONDS = 0.2  # a burst has as many requests as the rate allows in this time
_SWEEP_INTERVAL_SECONDS = 1.0


class HostBusy(Exception):
    """The host has its maximum of requests, and this one did not get a permit in time."""


class TokenBucket:
    """At most `rate * t + burst` requests begin in any `t` seconds. The caller supplies the time; it must not decrease.

    The state is one number, the time at which the bucket is full again (the "theoretical arrival time" of the generic
    cell rate algorithm, ITU-T I.371).
    """

    def __init__(self, rate: float, burst: int) -> None:
        self._interval = 1 / rate
        self._tolerance = (burst - 1) * self._interval
        self.full_at = float("-inf")

    def delay(self, now: float) -> float:
        """Seconds that a request which arrives at `now` has to wait."""
        return max(0.0, self.full_at - self._tolerance - now)

    def take(self, now: float) -> None:
        """Count a request that arrived at `now` and will begin after its `delay`."""
        self.full_at = max(self.full_at, now) + self._interval


@dataclass(slots=True)
class _Host:
    permits: asyncio.Semaphore
    bucket: TokenBucket | None
    users: int = 0


@dataclass(slots=True)
class HostLimiter:
    """At most `per_host` concurrent requests to one host, and `rate` per second (0: no limit) after a small burst.

    A further request waits at most `max_wait` seconds. Idle hosts are removed soon.
    """

    per_host: int
    max_wait: float
    rate: float = 0
    clock: Callable[[], float] = time.monotonic
    _hosts: dict[str, _Host] = field(default_factory=dict)
    _swept_at: float = 0

    @asynccontextmanager
    async def permit(self, name: str) -> AsyncIterator[None]:
        """Hold one of the host's permits, in order of arrival. Raises HostBusy."""
        deadline = self.clock() + self.max_wait
        host = self._hosts.get(name) or self._hosts.setdefault(name, self._new_host())
        host.users += 1
        try:
            await self._acquire(host)
            try:
                await self._wait_for_rate(host, deadline)
                yield
            finally:
                host.permits.release()
        finally:
            host.users -= 1
            self._forget(name, host)

    def _new_host(self) -> _Host:
        bucket = TokenBucket(self.rate, max(1, round(self.rate * BURST_SECONDS))) if self.rate else None
        return _Host(asyncio.Semaphore(self.per_host), bucket)

    async def _acquire(self, host: _Host) -> None:
        try:
            async with asyncio.timeout(self.max_wait):
                await host.permits.acquire()
        except TimeoutError:
            raise HostBusy("host busy") from None

    async def _wait_for_rate(self, host: _Host, deadline: float) -> None:
        if host.bucket is None:
            return
        now = self.clock()
        delay = host.bucket.delay(now)
        if delay and now + delay > deadline:
            raise HostBusy("host busy")
        host.bucket.take(now)
        await asyncio.sleep(delay)

    def _forget(self, name: str, host: _Host) -> None:
        """Remove the host if it is idle, and once a second all idle hosts."""
        now = self.clock()
        if _is_idle(host, now):
            self._hosts.pop(name, None)
        if now - self._swept_at >= _SWEEP_INTERVAL_SECONDS:
            self._swept_at = now
            self._hosts = {name: host for name, host in self._hosts.items() if not _is_idle(host, now)}

    def __len__(self) -> int:
        """The number of hosts in memory."""
        return len(self._hosts)


def _is_idle(host: _Host, now: float) -> bool:
    """Without users and with a full bucket it is equal to a new host."""
    return not host.users and (host.bucket is None or host.bucket.full_at <= now)
