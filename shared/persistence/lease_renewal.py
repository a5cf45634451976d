"""Renewal of leases: in the background while a block runs, or whenever the holder checks that it still has the lease.

Both renew after a third of the lease's time, so that a renewal may fail twice before the lease runs out.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from shared.errors import DatabaseUnavailable
from shared.long_lived import is_asked_to_stop
from shared.persistence.repositories import Lease

LEASE_SECONDS = 10.0
"""Time of a lease: how long the work of a killed process waits until another one continues it."""

_RENEWALS_PER_LEASE = 3
_END_SECONDS = 5.0  # a shutdown waits for it; then the lease runs out by itself


@asynccontextmanager
async def renewing(lease: Lease, seconds: float) -> AsyncIterator[asyncio.Event]:
    """Renew an acquired lease of `seconds` while the block runs, then release it, except if the block is cancelled.

    A block is cancelled when it is abandoned, often because the database does not answer. Then its lease runs out.
    Yields an event that is set once another process holds the lease, and stays set. The renewal continues all the same:
    when the other process no longer holds the lease, this one acquires it again. So work that must not overlap stops at
    the event, and work that may overlap ignores it and is soon alone again.
    """
    lost, over = asyncio.Event(), asyncio.Event()
    renewal = asyncio.create_task(_renew(lease, seconds / _RENEWALS_PER_LEASE, lost, over))
    try:
        yield lost
    finally:
        over.set()
        if is_asked_to_stop():
            renewal.cancel()
        else:
            await _release(lease, renewal)


async def _release(lease: Lease, renewal: asyncio.Task[None]) -> None:
    with suppress(DatabaseUnavailable, TimeoutError):  # the lease runs out by itself
        async with asyncio.timeout(_END_SECONDS):
            # A renewal in flight is not cancelled: it could reach the database after the release.
            await asyncio.wait([renewal])
            await lease.release()


async def _renew(lease: Lease, interval: float, lost: asyncio.Event, over: asyncio.Event) -> None:
    while not await _is_set_within(over, interval):
        with suppress(DatabaseUnavailable):  # the next renewal finds out whether the lease was lost meanwhile
            if not await lease.acquire():
                lost.set()


async def _is_set_within(event: asyncio.Event, seconds: float) -> bool:
    with suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)
    return event.is_set()


class RenewableLease:
    """A lease that is acquired or renewed when `held` is called, for work that is repeated in short steps."""

    def __init__(self, lease: Lease, seconds: float) -> None:
        """`seconds`: the time of `lease`."""
        self._lease = lease
        self._renew_after = seconds / _RENEWALS_PER_LEASE
        self._renew_at = float("-inf")

    async def held(self) -> bool:
        """Whether this process has the lease. Asks the database at most once in a third of the lease's time."""
        now = time.monotonic()
        if now < self._renew_at:
            return True
        if not await self._lease.acquire():
            return False
        self._renew_at = now + self._renew_after
        return True

    async def release(self) -> None:
        """Give the lease back; if the database does not answer, it runs out by itself."""
        self._renew_at = float("-inf")
        with suppress(DatabaseUnavailable, TimeoutError):
            async with asyncio.timeout(_END_SECONDS):
                await self._lease.release()
