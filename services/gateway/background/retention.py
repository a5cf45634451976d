"""Retention: removes a request with all its objects once it has expired.

Each step is short, because a shutdown waits for it: a request of a million images takes a thousand steps.
"""

from contextlib import aclosing
from datetime import datetime, timedelta

import structlog

from services.gateway.background.failing_items import FailingItems
from services.gateway.background.parts import BackgroundParts
from shared.contracts.object_keys import owned_prefixes, upload_key
from shared.persistence import RenewableLease
from shared.storage import ObjectStore, delete_some

_ADOPT_EVERY = timedelta(hours=1)  # gateways of an earlier version may still accept requests

log = structlog.get_logger(__name__)


class Retention:
    """Runs on the gateway that dispatches."""

    def __init__(
        self,
        parts: BackgroundParts,
        store: ObjectStore,
        lease: RenewableLease,
        default_days: float | None,
        interval: float,
    ) -> None:
        """default_days: for requests of an earlier version, which have no retention; None keeps them.

        interval: seconds between two searches for expired requests.
        """
        self._database = parts.database
        self._clock = parts.clock
        self._store = store
        self._lease = lease
        self._default_days = default_days
        self._interval = interval
        self._adopt_at: datetime | None = None
        self._failing = FailingItems("retention", parts.metrics)

    async def step(self) -> float:
        """Remove some of the objects or records of the request that expired first.

        A request whose webhook still has attempts left is removed after them. Returns the seconds until the next step.
        """
        if not await self._lease.held():
            return self._interval
        if await self._remove_some():
            return 0
        await self._adopt()
        return self._interval

    async def _remove_some(self) -> bool:
        """Whether there was a request to remove, which nobody can retry any more."""
        requests, deliveries = self._database.requests, self._database.deliveries
        async with aclosing(requests.expired(self._failing.passed_over())) as expired:
            async for request_id in expired:
                with self._failing.attempt(request_id):
                    if not await deliveries.any_pending(request_id) and await requests.begin_removal(request_id):
                        await self._remove_some_of(request_id)
                        return True
        return False

    async def _remove_some_of(self, request_id: str) -> None:
        # The request's record goes last: the next step finds the rest through it.
        if not await self._remove_objects(request_id) and not await self._database.delete_request(request_id):
            log.info("request_removed", request_id=request_id)

    async def _adopt(self) -> None:
        """Give requests of an earlier version a retention. Rarely: the search reads every request."""
        now = self._clock()
        if self._default_days is None or (self._adopt_at is not None and now < self._adopt_at):
            return
        self._adopt_at = now + _ADOPT_EVERY
        given = await self._database.requests.give_retention(self._default_days)
        if given:
            log.info("retention_given", requests=given)

    async def _remove_objects(self, request_id: str) -> bool:
        """Whether there was any to remove."""
        for prefix in owned_prefixes(request_id):
            if await delete_some(self._store, prefix):
                return True
        await self._store.delete([upload_key(request_id)])
        return False
