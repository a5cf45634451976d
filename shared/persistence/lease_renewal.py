"""Leases that are renewed without a thought: when asked for, or in the background."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from shared.errors import DatabaseUnavailable
from shared.persistence import Lease


class HeldLease:
    """Asks the database once in a third of the lease's time; says in between what it said last."""

    def __init__(self, lease: Lease, seconds: float) -> None:
        self._lease = lease
        self._renew_after = seconds / 3
        self._ours_until_renewal = float("-inf")

    async def held(self) -> bool:
        if time.monotonic() < self._ours_until_renewal:
            return True
        begun = time.monotonic()
        if not await self._lease.acquire():
            return False
        self._ours_until_renewal = begun + self._renew_after
        return True

    async def release(self) -> None:
        self._ours_until_renewal = float("-inf")
        await self._lease.release()


@asynccontextmanager
async def kept(lease: Lease, seconds: float) -> AsyncIterator[asyncio.Event]:
    """Renew an acquired lease while the block runs, and give it back at the end. Yields what is set if it is lost."""
    lost = asyncio.Event()
    renewing = asyncio.create_task(_renew(lease, seconds / 3, lost))
    try:
        yield lost
    finally:
        renewing.cancel()
        with suppress(DatabaseUnavailable):  # it runs out by itself
            await lease.release()


async def _renew(lease: Lease, interval: float, lost: asyncio.Event) -> None:
    while not lost.is_set():
        await asyncio.sleep(interval)
        with suppress(DatabaseUnavailable):  # should somebody else have it afterwards, the next renewal hears of it
            if not await lease.acquire():
                lost.set()
