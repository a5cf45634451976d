"""So that no host is overrun, and no host's slowness holds up the images of others."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

_BURST_SECONDS = 0.2  # of requests at the rate, which may come at once
_LOOK_AROUND_SECONDS = 1.0


class HostBusy(Exception):
    """The host has as many requests as it may have, and there was no turn for another one in time."""


class TokenBucket:
    """At most `rate * t + burst` requests begin in any `t` seconds. Time is the caller's; it must not go back.

    Kept as one number, the time at which the bucket is full again (the "theoretical arrival time" of the generic
    cell rate algorithm, ITU-T I.371).
    """

    def __init__(self, rate: float, burst: int) -> None:
        self._interval = 1 / rate
        self._tolerance = (burst - 1) * self._interval
        self.full_at = float("-inf")

    def delay(self, now: float) -> float:
        """Seconds that a request which came `now` would have to wait."""
        return max(0.0, self.full_at - self._tolerance - now)

    def take(self, now: float) -> None:
        """A request is let go after its `delay`."""
        self.full_at = max(self.full_at, now) + self._interval


@dataclass(slots=True)
class _Host:
    free: asyncio.Semaphore
    bucket: TokenBucket | None
    users: int = 0


@dataclass(slots=True)
class HostLimiter:
    """At most `per_host` requests at a time to one host, and `rate` in a second (0: any number) after a small burst.

    A further one waits `wait` seconds, then gives up. Hosts are forgotten soon after nobody asks for them.
    """

    per_host: int
    wait: float
    rate: float = 0
    clock: Callable[[], float] = time.monotonic
    _hosts: dict[str, _Host] = field(default_factory=dict)
    _looked_at: float = 0

    @asynccontextmanager
    async def slot(self, name: str) -> AsyncIterator[None]:
        """One of the host's slots, first come, first served, at its turn. Raises HostBusy."""
        give_up_at = self.clock() + self.wait
        host = self._hosts.get(name) or self._hosts.setdefault(name, self._new_host())
        host.users += 1
        try:
            await self._acquire(host)
            try:
                await self._await_turn(host, give_up_at)
                yield
            finally:
                host.free.release()
        finally:
            host.users -= 1
            self._forget(name, host)

    def _new_host(self) -> _Host:
        bucket = TokenBucket(self.rate, max(1, round(self.rate * _BURST_SECONDS))) if self.rate else None
        return _Host(asyncio.Semaphore(self.per_host), bucket)

    async def _acquire(self, host: _Host) -> None:
        try:
            async with asyncio.timeout(self.wait):
                await host.free.acquire()
        except TimeoutError:
            raise HostBusy("host busy") from None

    async def _await_turn(self, host: _Host, give_up_at: float) -> None:
        if host.bucket is None:
            return
        now = self.clock()
        delay = host.bucket.delay(now)
        if delay and now + delay > give_up_at:
            raise HostBusy("host busy")
        host.bucket.take(now)
        await asyncio.sleep(delay)

    def _forget(self, name: str, host: _Host) -> None:
        """An idle host goes when its bucket is full, for then it is like a new one."""
        now = self.clock()
        if _like_new(host, now):
            self._hosts.pop(name, None)
        if now - self._looked_at >= _LOOK_AROUND_SECONDS:
            self._looked_at = now
            self._hosts = {name: host for name, host in self._hosts.items() if not _like_new(host, now)}

    def __len__(self) -> int:
        """How many hosts are known."""
        return len(self._hosts)


def _like_new(host: _Host, now: float) -> bool:
    return not host.users and (host.bucket is None or host.bucket.full_at <= now)
