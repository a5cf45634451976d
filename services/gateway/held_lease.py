"""A lease that is renewed only as often as it needs to be."""

import time

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
